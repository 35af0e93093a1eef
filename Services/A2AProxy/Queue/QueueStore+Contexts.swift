import Foundation
import Postgres

/// Messages of conversations: those of one target and context go one at a time, in order.
extension QueueStore {
    private static let hasContext = Statement(
        "queue_has_context",
        """
        SELECT EXISTS (SELECT FROM a2a_queue
          WHERE workspace_id = $1 AND context_id = $2 AND status IN ('queued', 'dispatched') LIMIT 1)
        """)

    /// Whether a message of a context waits for its target, or is being delivered out of the queue.
    package func hasMessage(ofContext context: String, for workspace: UUID) async throws(PostgresError) -> Bool {
        try await postgres.query(Self.hasContext, [workspace, context]).first { $0.bool(0) } ?? false
    }

    /// Steps from workspace to workspace through the index, however many items each has.
    private static let contextTargets = Statement(
        "queue_context_targets",
        """
        WITH RECURSIVE waiting (id) AS (
          (SELECT workspace_id FROM a2a_queue WHERE status IN ('queued', 'dispatched') AND context_id IS NOT NULL
           ORDER BY workspace_id, context_id, enqueued_at LIMIT 1)
          UNION ALL
          SELECT (SELECT q.workspace_id FROM a2a_queue q
            WHERE q.status IN ('queued', 'dispatched') AND q.context_id IS NOT NULL AND q.workspace_id > waiting.id
            ORDER BY q.workspace_id, q.context_id, q.enqueued_at LIMIT 1)
          FROM waiting WHERE waiting.id IS NOT NULL)
        SELECT id FROM waiting WHERE id IS NOT NULL LIMIT $1
        """)

    /// The targets for which messages with a context wait or are delivered out of the queue, `limit` at most.
    package func targetsOfContexts(limit: Int) async throws(PostgresError) -> [UUID] {
        try await postgres.query(Self.contextTargets, [limit]).map { $0.uuid(0) }
    }
}
