import A2AProxy
import Foundation
import Postgres
import ServiceLifecycle
import Testing
import TestSupport

/// Messages that wait for a sleeping workspace that was not woken: they came while it was falling asleep.
@Suite struct HibernatedTargetTests {
    private static let become = Statement("test_become", "UPDATE workspaces SET status = $2 WHERE id = $1")
    private static let status = Statement("test_status", "SELECT status FROM workspaces WHERE id = $1")

    @Test func isWokenByTheDrainsSearch() async throws {
        try await ProxyFixture.with(try await SharedServers.postgres().makeMigratedDatabase("sleeper")) { proxy in
            func status(_ id: UUID) async throws -> String {
                try await proxy.postgres.query(Self.status, [id])[0].string(0)
            }
            let agent = "http://127.0.0.1:1"
            let (sleeper, idle, paused) = (
                try await proxy.workspace(at: agent), try await proxy.workspace(at: agent),
                try await proxy.workspace(at: agent)
            )
            for workspace in [sleeper, idle] {
                _ = try await proxy.postgres.query(Self.become, [workspace, "hibernated"])
            }
            _ = try await proxy.postgres.query(Self.become, [paused, "paused"])
            for workspace in [sleeper, paused] { _ = try await proxy.item(for: workspace) }
            let shutdown = ShutdownSignal()
            let running = Task { try await proxy.service.run(until: shutdown) }
            try await eventually("the sleeper to be woken") { try await status(sleeper) == "provisioning" }
            #expect(try await status(idle) == "hibernated")
            #expect(try await status(paused) == "paused")
            shutdown.give()
            try await running.value
        }
    }
}
