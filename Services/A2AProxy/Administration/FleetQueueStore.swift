import Contracts
import EventOutbox
import Foundation
import Observability
import PlatformInternals
import Postgres
import ServiceHost

/// The statements about the queue of the whole fleet, for operators.
///
/// Those with a filter are unnamed, so that they are planned for each set of values: a generic plan would read the
/// whole queue for a filter that names ten items.
package struct FleetQueueStore: Sendable {
    let queue: QueueStore
    var postgres: PostgresPool { queue.postgres }

    package init(queue: QueueStore) {
        self.queue = queue
    }

    private static let deadline: Duration = .seconds(10)

    private static let columns = """
        \(QueueStore.columns), NULL, (SELECT w.name FROM workspaces w WHERE w.id = q.workspace_id),
        (SELECT w.name FROM workspaces w WHERE w.id = q.caller_id),
        CASE WHEN q.status <> 'queued' THEN NULL
          WHEN q.waits_for_heartbeat THEN CASE WHEN q.held_until > now() THEN q.held_until END
          ELSE greatest(q.available_at, q.held_until) END,
        q.traceparent, octet_length(q.body)
        """

    /// Keys first, from the indexes alone; then the rows of the page.
    package static let page = Statement(
        "",
        """
        WITH \(FleetQueueFilter.named),
        page AS MATERIALIZED (
          SELECT k.id FROM (
            \(QueueState.items(
                in: QueueState.allCases,
                """
                AND (q.enqueued_at, q.id) < (coalesce($10::timestamptz, 'infinity'),
                  coalesce($11::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
                ORDER BY q.enqueued_at DESC, q.id DESC LIMIT $12
                """))) AS k
          ORDER BY k.enqueued_at DESC, k.id DESC LIMIT $12)
        SELECT \(columns) FROM a2a_queue q WHERE q.id = ANY (ARRAY(SELECT page.id FROM page))
        ORDER BY q.enqueued_at DESC, q.id DESC
        """)

    package static let count = Statement(
        "",
        """
        WITH \(FleetQueueFilter.named)
        SELECT count(*) FROM (
          SELECT FROM (\(QueueState.items(in: QueueState.allCases, "LIMIT $10"))) AS k LIMIT $10) AS counted
        """)

    /// The newest items that a filter matches, those before `cursor`, and how many there are.
    package func page(
        _ filter: FleetQueueFilter, before cursor: ListCursor?, limit: Int
    ) async throws -> FleetQueuePage {
        let parameters = filter.parameters()
        // On an exclusive connection: a filter that matches few of very many items is slow.
        let results = try await postgres.transaction(deadline: Self.deadline, readOnly: true) { transaction in
            try await transaction.query([
                // One more than the limit shows whether there is another page.
                Call(Self.page, parameters + [cursor?.at, cursor?.id, limit + 1]),
                Call(Self.count, parameters + [Limits.queueCount + 1]),
            ])
        }
        let items = try results[0].map { FleetQueueItem($0) }
        let total = try results[1].first { $0.int(0) } ?? 0
        let last = items.count > limit ? items[limit - 1].item : nil
        return FleetQueuePage(
            items: Array(items.prefix(limit)), total: min(total, Limits.queueCount),
            totalIsExact: total <= Limits.queueCount,
            nextCursor: last.map { ListCursor(at: $0.enqueuedAt, id: $0.queueID).text })
    }

    private static let one = Statement(
        "fleet_queue_one",
        """
        SELECT \(columns), q.claim_number > 0, q.response_status, q.attempts_log FROM a2a_queue q WHERE q.id = $1
        """)

    /// One item with its history.
    package func item(_ id: UUID) async throws(PostgresError) -> FleetQueueItem? {
        try await postgres.query(Self.one, [id]).first { row in
            var found = FleetQueueItem(row)
            let item = found.item
            found.attemptsLog =
                QueueItemHistory(
                    status: item.status, enqueuedAt: item.enqueuedAt, dispatchedAt: item.dispatchedAt,
                    completedAt: item.completedAt, expiresAt: item.expiresAt, wasClaimed: row.bool(22),
                    lastError: item.lastError, responseStatus: row.optionalInt(23), log: row.optionalBytes(24)
                ).entries
            return found
        }
    }

    private static let bodies = Statement(
        "fleet_queue_bodies", "SELECT body, response, response_bytes FROM a2a_queue WHERE id = $1")

    /// The request that an item carries, and the agent's response, byte for byte.
    package func bodies(
        of item: UUID
    ) async throws(PostgresError) -> (request: [UInt8], response: [UInt8]?)? {
        try await postgres.query(Self.bodies, [item]).first { row in
            (row.bytes(0), StoredBody.bytes(row, 1, exactly: 2))
        }
    }
}

extension FleetQueueItem {
    /// - Parameter row: of the columns of ``FleetQueueStore``.
    fileprivate init(_ row: PostgresRow) {
        self.init(
            item: QueueItem(row), targetName: row.optionalString(17), callerName: row.optionalString(18),
            nextAttemptAt: row.optionalDate(19),
            traceID: row.optionalString(20).flatMap { TraceContext(traceparent: $0)?.traceID }, bodyBytes: row.int(21))
    }
}
