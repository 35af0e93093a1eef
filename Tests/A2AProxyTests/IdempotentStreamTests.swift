import A2AProxy
import Authentication
import Concurrency
import Foundation
import HTTPCore
import Observability
import Postgres
import ServiceLifecycle
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

@Suite struct IdempotentStreamTests {
    private static let running =
        "SELECT status || (lease_until > created_at + interval '4 seconds') FROM idempotent_sends"
    private static let isFree = "SELECT lease_owner IS NULL AND lease_until <= now() FROM idempotent_sends"

    /// A keyed send to an agent that responds with events, whose caller leaves before the first one, without reading.
    private func send(
        _ response: @escaping @Sendable () async -> Response, _ body: (ProxyFixture) async throws -> Void
    ) async throws {
        try await LocalAgent.with(response) { agent in
            let database = try await SharedServers.postgres().makeMigratedDatabase()
            try await ProxyFixture.with(database) { proxy in
                let workspace = try await proxy.workspace(at: agent.url)
                let running = RunningSends(
                    postgres: proxy.postgres, loops: QueueFixture.loops, instance: "one", logger: .disabled,
                    lease: .seconds(3))
                let sends = IdempotentSends(postgres: proxy.postgres, forwarder: proxy.forwarder, running: running)
                let shutdown = ShutdownSignal()
                async let service: Void = running.run(until: shutdown)
                defer { shutdown.give() }
                let request = Request(
                    method: .post, target: "/", headers: ["Idempotency-Key": "k"],
                    body: .bytes(Array(#"{"method":"message/stream","params":{}}"#.utf8)),
                    loop: QueueFixture.loops.any())
                #expect(try await sends.send(request, from: .console(.admin), to: workspace).status == 200)
                try await body(proxy)
                shutdown.give()
                try await service
            }
        }
    }

    /// The agent is read to its end when the caller has gone; until then the send runs, and its lease is extended.
    @Test func runsUntilTheAgentsEndWithoutItsCaller() async throws {
        let gate = Gate()
        defer { gate.open() }
        try await send {
            .stream(contentType: "text/event-stream") { writer in
                try await writer.write(Array("data: 1\n\n".utf8))
                await gate.wait()
            }
        } _: { proxy in
            func sql(_ text: String) async throws -> String? {
                try await proxy.postgres.query(.init("", text)).first?.optionalString(0)
            }
            try await eventually("the lease to be extended") { try await sql(Self.running) == "runningtrue" }
            gate.open()
            try await eventually("the key to be free") { try await sql(Self.isFree) == "t" }
        }
    }

    /// The agent sees only that its connection ends.
    @Test(arguments: ["UPDATE idempotent_sends SET lease_owner = 'heir'", "DELETE FROM idempotent_sends"])
    func endsWhenItIsAnothersSend(_ loss: String) async throws {
        let isEnded = Gate()
        try await send {
            .stream(contentType: "text/event-stream") { writer in
                defer { isEnded.open() }
                try await writer.write(Array("data: 1\n\n".utf8))
                await Cancellation.wait()
            }
        } _: { proxy in
            _ = try await proxy.postgres.query(.init("", loss))
            try await eventually("the agent's call to end") { isEnded.isOpen }
        }
    }
}
