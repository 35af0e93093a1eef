import Contracts
import Foundation
import PostgresClient
import Synchronization
import WorkspaceTree

/// Where some workspaces stand in the tree.
struct TreePositions: Sendable {
    static let none = TreePositions([:])

    private let byID: [UUID: TreePosition]

    init(_ byID: [UUID: TreePosition]) {
        self.byID = byID
    }

    /// `CanCommunicate`. What concerns no workspace, or one that is not known, is shown to no agent, but for its own.
    func mayTalk(_ agent: UUID, _ workspace: UUID?) -> Bool {
        guard let workspace else { return false }
        if agent == workspace { return true }
        guard let from = byID[agent], let to = byID[workspace] else { return false }
        return from.canCommunicate(with: to)
    }
}

/// Positions in the tree, kept until an event says that somebody moved.
final class TreePositionCache: Sendable {
    private struct State {
        var known: [UUID: TreePosition] = [:]
        /// Raised with everything that is forgotten: what a query that began before says is not kept.
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
            for id in ids { found[id] = state.known[id] }
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
            if state.known.count + loaded.count > Self.limit { state.known = [:] }
            for position in loaded { state.known[position.id] = position }
        }
        return TreePositions(found)
    }

    /// What decides which of the agents see these events; nothing where no agent looks on.
    func find(of events: [CloudEvent], for agents: Set<UUID>) async throws(PostgresError) -> TreePositions {
        agents.isEmpty ? .none : try await find(agents.union(events.compactMap(\.subject)))
    }

    /// Takes note of an event: one that moves a workspace moves all below it. One that was removed, or is there anew,
    /// may come to stand elsewhere.
    func invalidate(by event: CloudEvent) {
        guard let root = event.subject else { return }
        let isAnew = [.workspaceRemoved, .workspaceOnline, .workspaceProvisioning, .workspaceAwaitingAgent]
            .contains(event.kind)
        guard event.movesInTree || isAnew else { return }
        state.withLock { state in
            state.generation += 1
            if isAnew {
                state.known[root] = nil
            } else {
                state.known = state.known.filter { $0.key != root && !$0.value.ancestors.contains(root) }
            }
        }
    }

    /// Events may have been missed.
    func forgetAll() {
        state.withLock { state in
            state.generation += 1
            state.known = [:]
        }
    }
}
