import Foundation
import JSONBytes
import PlatformInternals
import Postgres
import Testing
import TestSupport
import UVLoop

@testable import Registry

/// The statements behind discover, peers and check-access against the contract's words, on random trees.
@Suite("Who may find whom, out of Postgres")
struct AccessTests {
    private static let clear = Statement("test_clear", "DELETE FROM workspaces")
    private static let plant = Statement(
        "test_plant",
        """
        WITH planted AS (
            INSERT INTO workspaces (id, name, status, parent_id)
            SELECT id, 'w', status::workspace_status, parent
            FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS forest (id, parent, status)
            RETURNING id
        )
        INSERT INTO workspace_vitals (workspace_id) SELECT id FROM planted
        """)

    /// In every other forest some of them are removed, with all below them, as a deletion does it.
    private func removed(_ forest: RandomTrees, seed: UInt64) -> Set<UUID> {
        guard seed % 2 == 1 else { return [] }
        var random = SeededGenerator(seed: ~seed)
        var removed = Set(forest.ids.filter { _ in Int.random(in: 0..<12, using: &random) == 0 })
        for id in forest.ids where forest.parents[id].map(removed.contains) == true { removed.insert(id) }
        return removed
    }

    @Test("Every pair of two hundred random trees", .timeLimit(.minutes(10)))
    func randomTrees() async throws {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let pool = PostgresPool(
            url: try await SharedServers.postgres().makeMigratedDatabase("access"), group: group,
            configuration: .unhurried)
        let store = PeerStore(postgres: pool)
        var deepest = 0
        for seed in 2000..<2200 as Range<UInt64> {
            let forest = RandomTrees(seed: seed)
            let gone = removed(forest, seed: seed)
            deepest = max(
                deepest, forest.ids.filter { !gone.contains($0) }.map { forest.ancestors(of: $0).count }.max() ?? 0)
            _ = try await pool.query(Self.clear)
            _ = try await pool.query(
                Self.plant,
                [
                    forest.ids, forest.ids.map { forest.parents[$0] },
                    forest.ids.map { gone.contains($0) ? "removed" : "online" },
                ])
            try await checkPairs(forest, gone, store, seed)
            try await checkPeers(forest, gone, store, seed)
        }
        await pool.close()
        #expect(deepest > 32, "no forest was deeper than the rules go")
    }

    private func checkPairs(_ forest: RandomTrees, _ gone: Set<UUID>, _ store: PeerStore, _ seed: UInt64) async throws {
        var known: [UUID: PeerRecord] = [:]
        for (id, peer) in try await each(forest.ids, { try await store.present($0) }) { known[id] = peer }
        #expect(Set(known.keys) == Set(forest.ids).subtracting(gone), "forest \(seed)")
        let wrong = known.flatMap { caller, from in
            known.filter { target, to in
                from.position.canCommunicate(with: to.position) != forest.mayCommunicate(caller, target)
            }.map { "\(caller) to \($0.key)" }
        }
        #expect(wrong.isEmpty, "forest \(seed)")
    }

    private func checkPeers(_ forest: RandomTrees, _ gone: Set<UUID>, _ store: PeerStore, _ seed: UInt64) async throws {
        for (id, response) in try await each(forest.ids, { try await store.peers(of: $0, matching: nil).json }) {
            let list = try JSONValue(decoding: response).array ?? []
            let found = list.compactMap { $0["id"]?.string.flatMap(UUID.init(uuidString:)) }
            let expected = gone.contains(id) ? [] : forest.ids.filter { forest.arePeers(id, $0) && !gone.contains($0) }
            #expect(found.count == list.count && Set(found).count == found.count)
            #expect(Set(found) == Set(expected), "forest \(seed): peers of \(id)")
            #expect(found.allSatisfy { forest.mayCommunicate(id, $0) })
        }
    }

    /// Queries all of them at once: the pool sends the queries without waiting for the results.
    private func each<Value: Sendable>(
        _ ids: [UUID], _ query: @escaping @Sendable (UUID) async throws -> Value
    ) async throws -> [(UUID, Value)] {
        try await withThrowingTaskGroup(of: (UUID, Value).self) { group in
            for id in ids { group.addTask { (id, try await query(id)) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }
}
