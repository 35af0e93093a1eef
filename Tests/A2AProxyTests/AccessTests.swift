import A2AProxy
import Foundation
import PlatformInternals
import Postgres
import Testing
import TestSupport
import UVLoop

@Suite("Who may send to whom, out of Postgres")
struct AccessTests {
    private static let clear = Statement("test_clear", "DELETE FROM workspaces")
    private static let plant = Statement(
        "test_plant",
        """
        INSERT INTO workspaces (id, name, status, parent_id)
        SELECT id, 'w', 'online', parent FROM unnest($1::uuid[], $2::uuid[]) AS forest (id, parent)
        """)

    @Test("The proxy's statement gives the contract's result for every pair of random trees")
    func randomTrees() async throws {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let pool = PostgresPool(
            url: try await SharedServers.postgres().makeMigratedDatabase("access"), group: group,
            configuration: .unhurried)
        let store = TargetStore(postgres: pool)
        for seed in 1000..<1200 as Range<UInt64> {
            let forest = RandomTrees(seed: seed)
            _ = try await pool.query(Self.clear)
            _ = try await pool.query(Self.plant, [forest.ids, forest.ids.map { forest.parents[$0] }])
            let targets = try await store.find(Set(forest.ids))
            #expect(targets.count == forest.ids.count)
            let wrong = targets.flatMap { caller in
                targets.filter { target in
                    caller.position.canCommunicate(with: target.position)
                        != forest.mayCommunicate(caller.id, target.id)
                }.map { "\(caller.id) to \($0.id)" }
            }
            #expect(wrong.isEmpty, "forest \(seed)")
        }
        await pool.close()
    }
}
