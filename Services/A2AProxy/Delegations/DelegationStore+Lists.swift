import Contracts
import Foundation
import PlatformInternals
import Postgres

extension DelegationStore {
    /// Requests by creation time, results by the time of their last change, so that polling clients find a new result
    /// near the top, however old its request is.
    private static let list = Statement(
        "delegation_list",
        """
        SELECT e.id, e.target_id, coalesce(w.name, e.target_id::text), e.status, e.error, e.response_preview, e.is_result,
          e.at
        FROM (
          (SELECT id, target_id, status, NULL AS error, NULL AS response_preview, false AS is_result, created_at AS at
           FROM delegations WHERE source_id = $1 ORDER BY created_at DESC LIMIT $2)
          UNION ALL
          (SELECT id, target_id, status, error, response_preview, true, coalesce(completed_at, result_at)
           FROM delegations WHERE source_id = $1 AND result_at IS NOT NULL
           ORDER BY coalesce(completed_at, result_at) DESC LIMIT $2)
        ) AS e LEFT JOIN workspaces w ON w.id = e.target_id
        ORDER BY e.at DESC, e.is_result DESC LIMIT $2
        """)

    /// The newest entries of a workspace's delegations.
    package func entries(of source: UUID) async throws(PostgresError) -> [DelegationEntry] {
        try await postgres.query(Self.list, [source, Limits.delegationPage]).map { row in
            let status = DelegationStatus(rawValue: row.string(3)) ?? .pending
            let preview = row.optionalString(5)
            let summary =
                row.bool(6)
                ? DelegationOutcomeRule.resultSummary(status, preview: preview)
                : DelegationOutcomeRule.requestSummary(target: row.string(2))
            return DelegationEntry(
                id: row.uuid(0), sourceID: source, targetID: row.uuid(1), summary: summary, status: status,
                createdAt: row.date(7), delegationID: row.uuid(0), error: row.optionalString(4),
                responsePreview: preview)
        }
    }

    private static let one = Statement(
        "delegation_one",
        """
        SELECT id, target_id, task, status, queue_id, response, response_preview, error, created_at, updated_at,
          completed_at FROM delegations WHERE id = $1 AND source_id = $2
        """)

    /// One delegation with its full result.
    package func delegation(_ id: UUID, of source: UUID) async throws(PostgresError) -> DelegationDetail? {
        try await postgres.query(Self.one, [id, source]).first { row in
            DelegationDetail(
                delegationID: row.uuid(0), sourceID: source, targetID: row.uuid(1), task: row.string(2),
                status: DelegationStatus(rawValue: row.string(3)) ?? .pending, queueID: row.optionalUUID(4),
                response: row.optionalString(5), responsePreview: row.optionalString(6), error: row.optionalString(7),
                createdAt: row.date(8), updatedAt: row.date(9), completedAt: row.optionalDate(10))
        }
    }
}
