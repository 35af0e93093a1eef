import A2AProxy
import Authentication
import Concurrency
import Contracts
import Crypto
import Foundation
import HTTPCore
import Observability
import Postgres
import ServiceLifecycle
import Synchronization
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

/// Keyed sends that run more than once, since the outcome of an earlier run is unknown.
@Suite struct IdempotentRunTests {
    private static let body = #"{"method":"message/send","params":{"message":{"parts":[]}}}"#

    /// What an agent was sent: which delivery it is said to be, and of which message.
    private final class Deliveries: Sendable {
        struct Delivery: Equatable, Sendable {
            let attempt: String?
            let messageID: String?
        }

        private let log = Mutex<[Delivery]>([])

        var all: [Delivery] { log.withLock { $0 } }
        var attempts: [String?] { all.map(\.attempt) }

        /// - Returns: how many there were before.
        func note(_ request: Request) async -> Int {
            let bytes = (try? await request.body.collect(upTo: 1 << 20)) ?? []
            let message = try? AgentRequest(normalising: bytes)
            return log.withLock { log in
                log.append(Delivery(attempt: request.headers["x-delivery-attempt"], messageID: message?.messageID))
                return log.count - 1
            }
        }
    }

    private struct Instance {
        let running: RunningSends
        let sends: IdempotentSends

        init(_ name: String, _ proxy: ProxyFixture) {
            running = RunningSends(
                postgres: proxy.postgres, loops: QueueFixture.loops, instance: name, logger: .disabled,
                lease: .seconds(10))
            sends = IdempotentSends(postgres: proxy.postgres, forwarder: proxy.forwarder, running: running)
        }

        func send(_ body: String = body, to workspace: UUID) async throws -> Response {
            let request = Request(
                method: .post, target: "/", headers: ["Idempotency-Key": "k"], body: .bytes(Array(body.utf8)),
                loop: QueueFixture.loops.next())
            return try await sends.send(request, from: .console(.admin), to: workspace)
        }
    }

    private func with(
        _ settings: A2AProxySettings = A2AProxySettings(), _ agent: @escaping @Sendable (Request) async -> Response,
        _ body: (ProxyFixture, UUID) async throws -> Void
    ) async throws {
        let database = try await SharedServers.postgres().makeMigratedDatabase("runs")
        try await LocalAgent.with(requests: agent) { agent in
            try await ProxyFixture.with(database, settings) { proxy in
                try await body(proxy, try await proxy.workspace(at: agent.url))
            }
        }
    }

    private func text(_ response: Response) -> String {
        if case .bytes(let bytes) = response.body { String(decoding: bytes, as: UTF8.self) } else { "" }
    }

    private func status(_ body: () async throws -> Response) async -> HTTPStatus {
        do { return try await body().status } catch { return APIError(describing: error).status }
    }

    @Test func whatIsTakenOverIsMarkedAndItsFirstRunEnds() async throws {
        let (deliveries, gate) = (Deliveries(), Gate())
        defer { gate.open() }
        try await with { request in
            if await deliveries.note(request) == 0 { await gate.wait() }
            return .text("answer \(deliveries.all.count)")
        } _: { proxy, workspace in
            let (frozen, heir) = (Instance("frozen", proxy), Instance("heir", proxy))
            let first = Task { try await frozen.send(to: workspace) }
            try await eventually("the agent to have it") { deliveries.all.count == 1 }
            #expect(await status { try await heir.send(to: workspace) } == .conflict)
            // Its lease was not extended.
            _ = try await proxy.postgres.query(
                Statement("", "UPDATE idempotent_sends SET lease_until = now() - interval '1 second'"))
            #expect(text(try await heir.send(to: workspace)) == "answer 2")
            #expect(deliveries.attempts == [nil, "2"])
            #expect(deliveries.all[0].messageID != nil && deliveries.all[0].messageID == deliveries.all[1].messageID)

            // It checks its leases again: its call is ended, and later output of the agent is ignored.
            let shutdown = ShutdownSignal()
            async let service: Void = frozen.running.run(until: shutdown)
            defer { shutdown.give() }
            #expect(await status { try await first.value } == .conflict)
            let replayed = try await frozen.send(to: workspace)
            #expect(text(replayed) == "answer 2")
            #expect(replayed.headers["idempotency-replayed"] == "true")
            shutdown.give()
            try await service
        }
    }

    private static let abandoned = Statement(
        "test_lost_send",
        """
        INSERT INTO idempotent_sends (caller, target_id, key, body_hash, lease_owner, lease_until, message_id)
        VALUES ('console', $1, 'k', $2, 'gone', now(), 'made')
        """)

    @Test func itsMarkGoesWithItIntoTheQueue() async throws {
        let deliveries = Deliveries()
        try await with { request in
            await deliveries.note(request) == 0 ? Response(.serviceUnavailable) : .text("done")
        } _: { proxy, workspace in
            _ = try await proxy.postgres.query(Self.abandoned, [workspace, Bytea(sha256(Self.body))])
            #expect(try await Instance("heir", proxy).send(to: workspace).status == .accepted)
            _ = try await proxy.postgres.query(
                Statement("", "UPDATE workspace_vitals SET last_heartbeat_at = clock_timestamp()"))
            proxy.drain.wake([workspace], because: .hint)
            try await eventually("it to come out of the queue") { deliveries.all.count == 2 }
            // A refusal is no delivery.
            #expect(deliveries.attempts == ["2", "2"])
            #expect(deliveries.all.allSatisfy { $0.messageID == "made" })
        }
    }

    /// No outcome is stored of a send that an agent may still process; that it may is stored.
    @Test func whatMayHaveArrivedIsMarkedTheNextTime() async throws {
        let (deliveries, gate) = (Deliveries(), Gate())
        defer { gate.open() }
        var settings = A2AProxySettings()
        settings.idleTimeout = .seconds(5)
        try await with(settings) { request in
            if await deliveries.note(request) == 0 { await gate.wait() }
            return .text("done")
        } _: { proxy, workspace in
            // Its own queue: nothing is stored for it.
            let session = "UPDATE workspace_vitals SET capabilities = \(Capabilities.session.rawValue)"
            _ = try await proxy.postgres.query(Statement("", session))
            let instance = Instance("one", proxy)
            #expect(await status { try await instance.send(to: workspace) } == .serviceUnavailable)
            #expect(await status { try await instance.send(#"{"method":"x"}"#, to: workspace) } == .conflict)
            #expect(try await instance.send(to: workspace).status == .ok)
            #expect(deliveries.attempts == [nil, "2"])
        }
    }

    /// What never reached the agent is no delivery: neither the first time nor after a run that may have.
    @Test(arguments: [false, true])
    func whatDidNotArriveLeavesTheRestAsItWas(_ hasEarlierRun: Bool) async throws {
        try await with { _ in
            .text("done")
        } _: { proxy, workspace in
            let unreachable = try await proxy.workspace(at: "http://127.0.0.1:\(try Ports.free())/")
            if hasEarlierRun {
                _ = try await proxy.postgres.query(Self.abandoned, [unreachable, Bytea(sha256(Self.body))])
            }
            let instance = Instance("one", proxy)
            #expect(await status { try await instance.send(to: unreachable) } == .badGateway)
            let rows = try await proxy.postgres.query(
                Statement("", "SELECT lease_owner IS NULL FROM idempotent_sends"))
            #expect(try rows.map { $0.bool(0) } == (hasEarlierRun ? [true] : []))
        }
    }

    private static let refuse = [
        """
        CREATE FUNCTION test_refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'not now' USING ERRCODE = '40001'; END $$
        """,
        """
        CREATE TRIGGER test_refuse BEFORE UPDATE ON idempotent_sends FOR EACH ROW WHEN (NEW.status = 'done')
        EXECUTE FUNCTION test_refuse()
        """,
    ]

    @Test func aShutdownWaitsForOutcomesThatTheDatabaseDidNotTake() async throws {
        let deliveries = Deliveries()
        try await with { request in
            _ = await deliveries.note(request)
            return .text("done")
        } _: { proxy, workspace in
            for statement in Self.refuse { _ = try await proxy.postgres.query(Statement("", statement)) }
            let instance = Instance("one", proxy)
            #expect(try await instance.send(to: workspace).status == .ok)
            let shutdown = ShutdownSignal()
            shutdown.give()
            async let service: Void = instance.running.run(until: shutdown)
            _ = try await proxy.postgres.query(Statement("", "DROP TRIGGER test_refuse ON idempotent_sends"))
            try await service
            let replayed = try await instance.send(to: workspace)
            #expect(replayed.headers["idempotency-replayed"] == "true" && text(replayed) == "done")
            #expect(deliveries.all.count == 1)
        }
    }

    @Test func keysThatAreNoTextAreRefusedAndNotRepaired() async throws {
        try await with { _ in
            .text("done")
        } _: { proxy, workspace in
            let instance = Instance("one", proxy)
            for key in [[0x6B, 0xFE], [0x6B, 0], [UInt8](repeating: 0x6B, count: 256)] as [[UInt8]] {
                var headers = HTTPHeaders()
                let name = Array("Idempotency-Key".utf8)
                name.withUnsafeBufferPointer { name in
                    key.withUnsafeBufferPointer { headers.add(name: name, value: $0) }
                }
                let request = Request(
                    method: .post, target: "/", headers: headers, body: .bytes(Array(Self.body.utf8)),
                    loop: QueueFixture.loops.next())
                let refused = await status {
                    try await instance.sends.send(request, from: .console(.admin), to: workspace)
                }
                #expect(refused == .badRequest)
            }
        }
    }
}
