import Contracts
import Foundation
import PlatformInternals
import Postgres
import Synchronization

/// The positions of some workspaces in the tree.
struct TreePositions: Sendable {
    static let none = TreePositions([:])

    private let byID: [UUID: TreePosition]

    init(_ byID: [UUID: TreePosition]) {
        self.byID = byID
    }

    /// `CanCommunicate`. False without a workspace, or with an unknown one that is not the agent itself.
    func canCommunicate(_ agent: UUID, _ workspace: UUID?) -> Bool {
        guard let workspace else { return false }
        if agent == workspace { return true }
        guard let from = byID[agent], let to = byID[workspace] else { return false }
        return from.canCommunicate(with: to)
    }
}

/// A cache of positions in the tree, invalidated by events that move workspaces.
final class TreePositionCache: Sendable {
    private struct State {
        var cached: [UUID: TreePosition] = [:]
        /// Raised by each invalidation: results of queries that began before it are not cached.
        var generation = 0
    }

    private static let limit = 200_000

    private let postgres: PostgresPool
    private let state = Mutex(State())

    init(postgres: PostgresPool) {
        self.postgres = postgres
    }

    private static let find = Statement(
        "notifier_positions",
        """
        SELECT w.id,
          (WITH RECURSIVE path (id, parent_id, depth) AS (
             SELECT p.id, p.parent_id, 1 FROM workspaces p WHERE p.id = w.parent_id
             UNION ALL
             SELECT p.id, p.parent_id, path.depth + 1 FROM path JOIN workspaces p ON p.id = path.parent_id
             WHERE path.depth < $2)
           SELECT array_agg(path.id ORDER BY path.depth) FROM path)
        FROM workspaces w WHERE w.id = ANY ($1)
        """)

    /// Positions of those of the workspaces that exist or did until they were removed.
    func find(_ ids: Set<UUID>) async throws(PostgresError) -> TreePositions {
        var found: [UUID: TreePosition] = [:]
        let generation = state.withLock { state in
            for id in ids { found[id] = state.cached[id] }
            return state.generation
        }
        let unknown = ids.filter { found[$0] == nil }
        if unknown.isEmpty { return TreePositions(found) }
        let loaded = try await postgres.query(Self.find, [Array(unknown), TreePosition.levelLimit]).map { row in
            TreePosition(id: row.uuid(0), ancestors: row.optionalUUIDs(1) ?? [])
        }
        for position in loaded { found[position.id] = position }
        state.withLock { state in
            guard state.generation == generation else { return }
            if state.cached.count + loaded.count > Self.limit { state.cached = [:] }
            for position in loaded { state.cached[position.id] = position }
        }
        return TreePositions(found)
    }

    /// The positions that decide which of the agents get these events; none without agents.
    func find(of events: [CloudEvent], for agents: Set<UUID>) async throws(PostgresError) -> TreePositions {
        agents.isEmpty ? .none : try await find(agents.union(events.compactMap(\.subject)))
    }

    /// Invalidates by an event: one that moves a workspace moves all below it. One that was removed, or was created
    /// again, may be at another position.
    func invalidate(by event: CloudEvent) {
        guard let root = event.subject else { return }
        let isRecreated = [.workspaceRemoved, .workspaceOnline, .workspaceProvisioning, .workspaceAwaitingAgent]
            .contains(event.kind)
        guard event.changesParent || isRecreated else { return }
        state.withLock { state in
            state.generation += 1
            if isRecreated {
                state.cached[root] = nil
            } else {
                state.cached = state.cached.filter { $0.key != root && !$0.value.ancestors.contains(root) }
            }
        }
    }

    /// Empties the cache: events may have been missed.
    func invalidateAll() {
        state.withLock { state in
            state.generation += 1
            state.cached = [:]
        }
    }
}
