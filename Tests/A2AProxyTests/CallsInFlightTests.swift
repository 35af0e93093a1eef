import Concurrency
import Foundation
import HTTPCore
import Observability
import Postgres
import ServiceLifecycle
import Synchronization
import Testing
import TestSupport
import UVHTTPServer

@testable import A2AProxy

/// The calls in flight of one instance are bounded, and counted.
@Suite struct CallsInFlightTests {
    private func limited(calls: Int = 100, bytes: Int = 100) -> (CallsInFlight, Gauge) {
        let gauge = Gauge()
        return (CallsInFlight(callLimit: calls, byteLimit: bytes, gauge: gauge), gauge)
    }

    @Test func noMoreThanSoMany() {
        let (calls, gauge) = limited(calls: 2)
        var held = [calls.begin(1), calls.begin(1)]
        #expect(!held.contains { $0 == nil })
        #expect(calls.begin(1) == nil)
        #expect(gauge.value == 2)
        #expect(calls.room == (0, 98))
        held.removeLast()
        #expect(calls.begin(1) != nil)
        held = []
        #expect(gauge.value == 0)
        #expect(calls.room == (2, 100))
    }

    @Test func noMoreThanSoManyBytesButOneOfAnySize() {
        let (calls, _) = limited()
        var held = [calls.begin(60)]
        #expect(calls.begin(41) == nil)
        held.append(calls.begin(40))
        #expect(!held.contains { $0 == nil })
        held = []
        #expect(calls.begin(1000) != nil)
        #expect(calls.room == (100, 100))
    }

    @Test func whoTakesPartIsKnownUntilTheEnd() {
        let (calls, _) = limited()
        let (caller, target) = (
            CallParty(workspace: UUID(), isSender: true), CallParty(workspace: UUID(), isSender: false)
        )
        let (direct, claimed) = (calls.begin(1, between: [caller, target]), calls.beginClaimed(1))
        #expect(Set(calls.activeParties) == [caller, target])
        claimed.join(target)
        claimed.join(target)
        direct?.end()
        #expect(calls.activeParties == [target])
        claimed.end()
        claimed.join(caller)
        #expect(calls.activeParties.isEmpty)
    }

    /// Its own target is kept awake by the item, and the one that its target forwards to by the call.
    @Test func aForwardedDeliveryIsACallOfTheOneThatDealsWithIt() async throws {
        let gate = Gate()
        defer { gate.open() }
        try await LocalAgent.with {
            await gate.wait()
            return .text("done")
        } _: { agent in
            try await ProxyFixture.with(try await SharedServers.postgres().makeMigratedDatabase()) { proxy in
                let (target, place) = (
                    try await proxy.workspace(at: agent.url), try await proxy.workspace(at: agent.url)
                )
                _ = try await proxy.postgres.query(Self.forward, [target, place])
                _ = try await proxy.item(for: target)
                let shutdown = ShutdownSignal()
                let running = Task { try await proxy.service.run(until: shutdown) }
                proxy.drain.wake([target], because: .work)
                let party = CallParty(workspace: place, isSender: false)
                try await eventually("the call") { proxy.calls.activeParties == [party] }
                try await eventually("the note of it") {
                    try await proxy.postgres.query(Self.wasCalled, [place])[0].bool(0)
                }
                gate.open()
                try await eventually("the end of the call") { proxy.calls.activeParties.isEmpty }
                shutdown.give()
                try await running.value
            }
        }
    }

    private static let forward = Statement(
        "test_forward", "UPDATE workspaces SET url = NULL, forwarded_to = $2 WHERE id = $1")
    private static let wasCalled = Statement(
        "test_was_called", "SELECT last_inbound_at IS NOT NULL FROM workspace_vitals WHERE workspace_id = $1")

    /// Claimed items are delivered: the claim reserved the capacity.
    @Test func whatWasClaimedBeginsAnyhow() {
        let (calls, gauge) = limited(calls: 1)
        let held = [calls.beginClaimed(200), calls.beginClaimed(200)]
        #expect(calls.room == (-1, -300))
        #expect(calls.begin(0) == nil)
        #expect(gauge.value == 2)
        withExtendedLifetime(held) {}
    }

    private static let count = Statement("test_count", "SELECT count(*) FROM a2a_queue WHERE status = $1")

    /// The refusal of a message beyond the capacity; if it were admitted, it would wait with the others.
    private func refusal(of send: @escaping @Sendable () async throws -> Void) async throws -> APIError? {
        let refusal = Mutex<APIError?>(nil)
        Task {
            do { try await send() } catch { refusal.withLock { $0 = error as? APIError } }
        }
        try await eventually("a refusal") { refusal.withLock { $0 != nil } }
        return refusal.withLock { $0 }
    }

    @Test func beyondItSendersAreRefusedAndTheQueueWaits() async throws {
        var settings = A2AProxySettings()
        settings.callLimit = 2
        let gate = Gate()
        defer { gate.open() }
        try await LocalAgent.with {
            await gate.wait()
            return .text("done")
        } _: { agent in
            try await ProxyFixture.with(try await SharedServers.postgres().makeMigratedDatabase(), settings) { proxy in
                func count(_ status: String) async throws -> Int {
                    try await proxy.postgres.query(Self.count, [status])[0].int(0)
                }
                let workspace = try await proxy.workspace(at: agent.url)
                let running = (0..<2).map { _ in Task { try await proxy.send(to: workspace).status } }
                try await eventually("the calls") { proxy.metrics.callsInFlight.value == 2 }
                let error = try await refusal { _ = try await proxy.send(to: workspace) }
                #expect(error?.status == 503)
                #expect(error?.response.headers["retry-after"] != nil)
                _ = try await proxy.item(for: workspace)
                proxy.drain.wake([workspace], because: .work)
                try await eventually("the drain to rest") { !proxy.drain.isRunning }
                #expect(try await count("queued") == 1)
                gate.open()
                for call in running { #expect(try await call.value == 200) }
                // Whatever wakes the drain next: here nothing, as its timer does.
                proxy.drain.wake([], because: .hint)
                try await eventually("it to be delivered") { try await count("completed") == 1 }
                try await eventually("nothing to be under way") { proxy.metrics.callsInFlight.value == 0 }
                #expect(proxy.calls.room == (2, settings.callBytes))
            }
        }
    }

    @Test func bytesCount() async throws {
        var settings = A2AProxySettings()
        settings.callBytes = 3000
        let gate = Gate()
        defer { gate.open() }
        try await LocalAgent.with {
            await gate.wait()
            return .text("done")
        } _: { agent in
            try await ProxyFixture.with(try await SharedServers.postgres().makeMigratedDatabase(), settings) { proxy in
                let workspace = try await proxy.workspace(at: agent.url)
                let first = Task { try await proxy.send(to: workspace, size: 2000).status }
                try await eventually("the call") { proxy.metrics.callsInFlight.value == 1 }
                let error = try await refusal { _ = try await proxy.send(to: workspace, size: 2000) }
                #expect(error?.status == 503)
                let second = Task { try await proxy.send(to: workspace, size: 10).status }
                try await eventually("the small call") { proxy.metrics.callsInFlight.value == 2 }
                gate.open()
                #expect(try await first.value == 200)
                #expect(try await second.value == 200)
            }
        }
    }

    /// A stream is in flight until the agent ends it, though its caller has left.
    @Test func abandonedStreamsCount() async throws {
        var settings = A2AProxySettings()
        settings.callLimit = 1
        let gate = Gate()
        defer { gate.open() }
        try await LocalAgent.with {
            .stream(contentType: "text/event-stream") { writer in
                try await writer.write(Array("data: 1\n\n".utf8))
                await gate.wait()
            }
        } _: { agent in
            try await ProxyFixture.with(try await SharedServers.postgres().makeMigratedDatabase(), settings) { proxy in
                let workspace = try await proxy.workspace(at: agent.url)
                // The body is not read: so it is with a caller that left before the first event.
                #expect(try await proxy.send("message/stream", to: workspace).status == 200)
                #expect(proxy.metrics.callsInFlight.value == 1)
                await #expect(throws: APIError.self) { try await proxy.send("message/stream", to: workspace) }
                gate.open()
                try await eventually("the stream to end") { proxy.metrics.callsInFlight.value == 0 }
            }
        }
    }
}
