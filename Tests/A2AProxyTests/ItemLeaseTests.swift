import A2AProxy
import Concurrency
import Foundation
import Observability
import ServiceLifecycle
import Testing
import TestSupport
import UVHTTPServer

/// An instance that cannot extend its leases must not go on calling: another may call by then.
@Suite struct ItemLeaseTests {
    @Test func aCallEndsWithItsLeaseWhenTheDatabaseIsAway() async throws {
        let server = try await PostgresServer.start()
        var settings = A2AProxySettings()
        settings.lease = .seconds(3)
        let gate = Gate()
        defer { gate.open() }
        try await ProxyFixture.with(try await server.makeMigratedDatabase(), settings) { proxy in
            try await LocalAgent.with {
                await gate.wait()
                return .text("late")
            } _: { agent in
                let workspace = try await proxy.workspace(at: agent.url)
                _ = try await proxy.item(for: workspace)
                let shutdown = ShutdownSignal()
                let running = Task { try await proxy.service.run(until: shutdown) }
                proxy.drain.wake([workspace], because: .work)
                try await eventually("the call") { proxy.metrics.callsInFlight.value == 1 }
                server.pause()
                defer { server.resume() }
                try await eventually("the call to end") { proxy.metrics.callsInFlight.value == 0 }
                #expect(proxy.metrics.leasesLost.value == 1)
                server.resume()
                shutdown.give()
                try await running.value
            }
        }
        await server.stop()
    }

    @Test func onlyACallThatGoesOnIsEnded() {
        let inFlight = InFlightDeliveries()
        let now = ContinuousClock.now
        let leases = (0..<3).map { ItemLease(item: UUID(), claimNumber: $0) }
        for lease in leases { inFlight.begin(lease, until: now + .seconds(3)) { Task {} } }
        inFlight.finishing(leases[0])
        inFlight.extended([leases[1].item], until: now + .seconds(6))
        #expect(inFlight.calling(withLeaseUntil: now + .seconds(2)).isEmpty)
        #expect(inFlight.calling(withLeaseUntil: now + .seconds(3)) == [leases[2]])
    }
}
