import Foundation
import Postgres

/// Workspaces that are counted busy and have long stopped saying so.
package struct PhantomBusyStore: Sendable {
    private let postgres: PostgresPool

    package init(postgres: PostgresPool) {
        self.postgres = postgres
    }

    package static let batch = 500

    /// A heartbeat that is being written is passed over: what it says is news.
    private static let reset = Statement(
        "phantom_reset",
        """
        WITH phantom AS (
            SELECT v.workspace_id, v.active_tasks FROM workspace_vitals v
            WHERE v.active_tasks > 0 AND v.active_tasks_changed_at < now() - make_interval(secs => $1)
            LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        UPDATE workspace_vitals v SET active_tasks = 0, active_tasks_changed_at = now()
        FROM phantom WHERE v.workspace_id = phantom.workspace_id
        RETURNING v.workspace_id, phantom.active_tasks
        """)

    /// Counts workspaces as free whose number of tasks has not changed for so long.
    ///
    /// - Parameter age: seconds.
    /// - Returns: the workspaces, and what they were counted with.
    package func reset(olderThan age: Double) async throws(PostgresError) -> [(workspace: UUID, tasks: Int)] {
        try await postgres.query(Self.reset, [age, Self.batch]).map { ($0.uuid(0), $0.int(1)) }
    }
}
