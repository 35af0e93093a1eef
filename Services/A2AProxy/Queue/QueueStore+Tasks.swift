import Authentication
import Contracts
import Foundation
import Postgres

/// A queue item as its sender may see it.
package struct StoredTask: Sendable {
    package let status: QueueStatus
    package let contextID: String?
    package let lastError: String?
    package let response: [UInt8]?
    /// When it entered its status.
    package let at: Date
}

extension QueueStore {
    private static let task = Statement(
        "queue_task",
        """
        SELECT status, context_id, last_error, response, CASE status WHEN 'queued' THEN enqueued_at
          WHEN 'dispatched' THEN dispatched_at ELSE completed_at END, response_bytes
        FROM a2a_queue WHERE id = $1 AND workspace_id = $2 AND caller_id IS NOT DISTINCT FROM $3::uuid
          AND operator_key IS NOT DISTINCT FROM $4 AND delegation_id IS NULL AND schedule_id IS NULL
        """)

    /// The queue item of a caller's message to a workspace; nil for items of other callers.
    package func task(
        _ id: UUID, of workspace: UUID, sentBy caller: Caller
    ) async throws(PostgresError) -> StoredTask? {
        try await postgres.query(Self.task, [id, workspace, caller.workspaceID, caller.operatorKey]).first { row in
            StoredTask(
                status: QueueStatus(rawValue: row.string(0)) ?? .failed, contextID: row.optionalString(1),
                lastError: row.optionalString(2), response: StoredBody.bytes(row, 3, exactly: 5),
                at: row.optionalDate(4) ?? Date())
        }
    }
}
