import A2AProxy
import Concurrency
import Foundation
import Observability
import Postgres
import Testing
import TestSupport
import UVHTTPServer

/// Whatever capacity targets claim to have, one instance takes on no more than it is configured for.
@Suite struct DrainBoundTests {
    private static let hugeCapacity = Statement("test_room", "UPDATE workspaces SET max_concurrent_tasks = 2000000000")
    private static let count = Statement("test_count", "SELECT count(*) FROM a2a_queue WHERE status = $1")

    /// The most items under lease at once: by number, and by the bytes of their bodies, two each.
    @Test(arguments: [(calls: 3, bytes: 1 << 20, most: 3), (calls: 100, bytes: 3, most: 2)])
    func claims(_ bounds: (calls: Int, bytes: Int, most: Int)) async throws {
        var settings = A2AProxySettings()
        settings.drainLimit = bounds.calls
        settings.drainBytes = bounds.bytes
        let gate = Gate()
        defer { gate.open() }
        let database = try await SharedServers.postgres().makeMigratedDatabase("bounds")
        try await ProxyFixture.with(database, settings) { proxy in
            func count(_ status: String) async throws -> Int {
                try await proxy.postgres.query(Self.count, [status])[0].int(0)
            }
            try await LocalAgent.with {
                await gate.wait()
                return .text("done")
            } _: { agent in
                let workspaces = [try await proxy.workspace(at: agent.url), try await proxy.workspace(at: agent.url)]
                _ = try await proxy.postgres.query(Self.hugeCapacity)
                for _ in 0..<6 { for workspace in workspaces { _ = try await proxy.item(for: workspace) } }
                proxy.drain.wake(workspaces, because: .work)
                try await eventually("the calls") {
                    proxy.metrics.callsInFlight.value == Double(bounds.most) && !proxy.drain.isRunning
                }
                #expect(try await count("dispatched") == bounds.most)
                gate.open()
                // Nothing but the ends of calls wakes the drain.
                try await eventually("everything to be delivered") { try await count("completed") == 12 }
            }
        }
    }
}
