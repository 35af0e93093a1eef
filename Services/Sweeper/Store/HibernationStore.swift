import Contracts
import EventOutbox
import Foundation
import Lifecycle
import Postgres

/// Finds workspaces that are idle, and has them sent to sleep by ``Lifecycle/LifecycleStore``.
package struct HibernationStore: Sendable {
    let postgres: PostgresPool
    let lifecycle: LifecycleStore

    package init(postgres: PostgresPool, lifecycle: LifecycleStore) {
        self.postgres = postgres
        self.lifecycle = lifecycle
    }

    /// When anything last happened to a workspace.
    private static let lastActive = """
        greatest(v.last_inbound_at, v.last_outbound_at, v.active_tasks_changed_at, v.current_task_changed_at,
            w.status_changed_at)
        """
    /// One status each, as the indexes have them: neither serves both.
    private static let hasMessages = """
        (EXISTS (SELECT FROM a2a_queue q WHERE q.workspace_id = w.id AND q.status = 'queued')
            OR EXISTS (SELECT FROM a2a_queue q WHERE q.workspace_id = w.id AND q.status = 'dispatched'))
        """

    private static let find = Statement(
        "hibernation_find",
        """
        SELECT w.id FROM workspaces w JOIN workspace_vitals v ON v.workspace_id = w.id
        WHERE w.status IN ('online', 'degraded') AND w.managed AND NOT w.external AND w.hibernation_idle_minutes > 0
            AND v.active_tasks = 0 AND NOT \(hasMessages)
            AND \(lastActive) < now() - make_interval(mins => w.hibernation_idle_minutes)
        ORDER BY \(lastActive) LIMIT $1
        """)

    /// Those that look idle, idle longest first.
    ///
    /// - Parameter limit: how many, at most.
    package func find(upTo limit: Int) async throws(PostgresError) -> [UUID] {
        try await postgres.atomically([EventRelay.usingIndexes, Call(Self.find, [limit])], deadline: .seconds(30))[1]
            .map { $0.uuid(0) }
    }

    /// Whoever is at work with it, or changes it, comes first. A note that it sent or received something waits for the lock
    /// on its vitals, and one that was written is seen here.
    private static let look = Statement(
        "hibernation_candidates",
        """
        SELECT w.status, w.external, w.managed, w.hibernation_idle_minutes, v.active_tasks, \(hasMessages),
            extract(epoch FROM now() - \(lastActive))::float8
        FROM workspaces w JOIN workspace_vitals v ON v.workspace_id = w.id
        WHERE w.id = $1 FOR UPDATE OF v SKIP LOCKED FOR UPDATE OF w SKIP LOCKED
        """)

    /// Sends a workspace to sleep if it is idle still: looked at and claimed in one transaction, so that of two sweepers one
    /// does it.
    ///
    /// - Returns: nothing when it was not idle.
    package func hibernate(_ id: UUID) async throws -> LifecycleStore.Change {
        try await lifecycle.hibernate(id, isForced: false) { transaction in
            try await transaction.query([EventRelay.usingIndexes, Call(Self.look, [id])])[1].first { row in
                HibernationRule.isDue(
                    HibernationRule.Subject(
                        status: WorkspaceStatus(rawValue: row.string(0)) ?? .failed, isExternal: row.bool(1),
                        isManaged: row.bool(2), idleMinutes: row.optionalInt(3), activeTasks: row.int(4),
                        hasMessages: row.bool(5), idleSeconds: row.double(6)))
            } ?? false
        }
    }
}
