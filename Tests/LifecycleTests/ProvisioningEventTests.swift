import Contracts
import Foundation
import Lifecycle
import Postgres
import Testing
import TestSupport

/// Every transition to `provisioning` publishes the same event, whatever the name contains.
@Suite("The event of being provisioned")
struct ProvisioningEventTests {
    private static let prepare = Statement(
        "test_prepare", "UPDATE workspaces SET name = $2, tier = 2, runtime = $3 WHERE id = $1")
    private static let published = Statement(
        "test_told",
        "SELECT data::text FROM structure_events WHERE workspace_id = $1 AND type = 'workspace.provisioning'")
    private static let name = #"a "name" \\ of läng\tth"#

    @Test("Restart, wake and resume write what the contract's type does")
    func transitions() async throws {
        try await withFleet { fleet, store in
            let expected = WorkspaceProvisioning(name: Self.name, tier: 2, runtime: "claude")
            let text = String(decoding: try RawJSON(encoding: expected).bytes, as: UTF8.self)
            for status in [WorkspaceStatus.offline, .hibernated, .paused] {
                let id = try await fleet.add(status)
                _ = try await fleet.pool.query(Self.prepare, [id, Self.name, "claude"])
                switch status {
                case .offline: _ = try await store.restart(id, reason: "test")
                case .hibernated: _ = try await store.wake(id)
                default: _ = try await store.resume(id)
                }
                #expect(try await fleet.pool.query(Self.published, [id]).map { $0.string(0) } == [text], "\(status)")
            }
        }
    }
}
