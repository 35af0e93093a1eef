import Contracts
import Foundation
import Postgres

/// Which items of a workspace are listed.
package struct QueueFilter: Sendable {
    /// Nil for those that run or wait.
    package var status: QueueStatus?
    package var caller: UUID?
    /// Only what was stored at least so long ago.
    package var minutes: Int?

    package init(status: QueueStatus? = nil, caller: UUID? = nil, minutes: Int? = nil) {
        self.status = status
        self.caller = caller
        self.minutes = minutes
    }
}

extension QueueStore {
    private static let condition = """
        ($2::text IS NULL OR status = $2) AND ($3::uuid IS NULL OR caller_id = $3)
          AND ($4::int IS NULL OR enqueued_at <= now() - make_interval(mins => $4))
        """

    /// An item keeps its place among all that wait, whichever of them are shown.
    private static let active = Statement(
        "queue_list",
        """
        SELECT \(columns), CASE WHEN status = 'queued' THEN place END
        FROM (
          SELECT q.*, row_number() OVER (PARTITION BY q.status ORDER BY q.priority DESC, \(turn), q.id) AS place
          FROM a2a_queue q WHERE q.workspace_id = $1 AND q.status IN ('queued', 'dispatched')) AS item
        WHERE \(condition)
        ORDER BY status = 'dispatched' DESC, place LIMIT $5
        """)

    private static let undelivered = Statement(
        "queue_list_undelivered",
        """
        SELECT \(columns), NULL FROM a2a_queue
        WHERE workspace_id = $1 AND status IN ('failed', 'dropped') AND \(condition)
        ORDER BY enqueued_at DESC LIMIT $5
        """)

    /// What runs and waits for a workspace, in the order in which it will go; or what failed or was dropped, newest first.
    package func items(
        of workspace: UUID, _ filter: QueueFilter = QueueFilter(), limit: Int
    ) async throws(PostgresError) -> [QueueItem] {
        let isActive = filter.status.map { [.queued, .dispatched].contains($0) } ?? true
        return try await postgres.query(
            isActive ? Self.active : Self.undelivered,
            [workspace, filter.status?.rawValue, filter.caller, filter.minutes, limit]
        ).map { QueueItem($0) }
    }
}
