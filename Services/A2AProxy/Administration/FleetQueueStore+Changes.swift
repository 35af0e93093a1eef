import Contracts
import EventOutbox
import Foundation
import PlatformInternals
import Postgres
import ServiceHost

/// An operator's bulk change of queue items.
package enum QueueChange: String, Sendable, CaseIterable {
    /// Queues failed items again.
    case retry
    /// Drops queued items.
    case cancel
    /// Ends queued items as expired.
    case expire

    /// The states of the items that it applies to.
    package var states: [QueueState] {
        switch self {
        case .retry: [.failed]
        case .cancel, .expire: [.waiting, .retrying]
        }
    }
}

/// The result of changing one batch of the items that a filter matches.
package struct ChangedPiece: Sendable {
    package var changed = 0
    package var events: [CommittedEvent] = []
    /// The workspaces whose items are queued again.
    package var woken: [UUID] = []
    /// Those of them with an item that has a context.
    package var withContext: [UUID] = []
    /// The cursor of the next batch; nil when there is none.
    package var next: ListCursor?
    /// The error that stopped the batch, where its items are changed one by one; the other members are committed.
    package var failure: (any Error)?
}

extension FleetQueueStore {
    /// Items of one transaction.
    package static let piece = 500

    // MARK: - Selecting items

    /// Whether a failed item can be retried: its target exists, its delegation has not ended otherwise, and the same
    /// message is not in the queue already.
    private static let isRetriable = """
        EXISTS (SELECT FROM workspaces w WHERE w.id = q.workspace_id AND w.status <> 'removed')
          AND (q.delegation_id IS NULL OR EXISTS (
            SELECT FROM delegations d WHERE d.id = q.delegation_id AND d.status = 'failed' AND NOT d.ended_by_source
              AND NOT EXISTS (SELECT FROM delegations o WHERE o.source_id = d.source_id
                AND o.idempotency_key = d.idempotency_key AND o.status <> 'failed')))
          AND (q.idempotency_key IS NULL OR NOT EXISTS (
            SELECT FROM a2a_queue o WHERE o.workspace_id = q.workspace_id AND o.idempotency_key = q.idempotency_key
              AND o.caller_id IS NOT DISTINCT FROM q.caller_id AND o.operator_key IS NOT DISTINCT FROM q.operator_key
              AND o.status IN ('queued', 'dispatched')))
        """

    private static func counting(_ change: QueueChange, _ condition: String) -> Statement {
        Statement(
            "",
            """
            WITH \(FleetQueueFilter.named)
            SELECT count(*) FROM (
              SELECT FROM (\(QueueState.items(in: change.states, "\(condition) LIMIT $10"))) AS k LIMIT $10) AS counted
            """)
    }

    private static let countWaiting = counting(.cancel, "")
    private static let countFailed = counting(.retry, "AND \(isRetriable)")

    /// How many items a change is possible for, counted to ``Limits/queueChangeCount``.
    package func count(_ filter: FleetQueueFilter, for change: QueueChange) async throws -> Int {
        let statement = change == .retry ? Self.countFailed : Self.countWaiting
        let parameters = filter.parameters(in: change.states) + [Limits.queueChangeCount]
        return try await postgres.transaction(deadline: .seconds(10), readOnly: true) { transaction in
            try await transaction.query(statement, parameters).first { $0.int(0) } ?? 0
        }
    }

    /// The keys of one batch, `keys`: the oldest items after the cursor (`$10`, `$11`), `$12` at most.
    private static func keys(_ change: QueueChange, _ condition: String) -> String {
        """
        \(FleetQueueFilter.named),
        keys AS MATERIALIZED (
          SELECT k.enqueued_at, k.id FROM (
            \(QueueState.items(
                in: change.states,
                """
                \(condition) AND (q.enqueued_at, q.id) > (coalesce($10::timestamptz, '-infinity'),
                  coalesce($11::uuid, '00000000-0000-0000-0000-000000000000'))
                ORDER BY q.enqueued_at, q.id LIMIT $12
                """))) AS k
          ORDER BY k.enqueued_at, k.id LIMIT $12)
        """
    }

    /// Whether an item still matches once it is locked: it may have been claimed or attempted since its key was read.
    private static func stillMatches(_ change: QueueChange) -> String {
        let states = change.states.map { "'\($0.rawValue)' = ANY ($9::text[]) AND \($0.condition)" }
        return "(\(states.joined(separator: " OR "))) AND \(FleetQueueFilter.condition)"
    }

    /// Skips rows that are locked by a delivery or by another operator's change.
    private static func locked(_ change: QueueChange) -> String {
        """
        SELECT q.id, q.workspace_id FROM a2a_queue q
        WHERE q.id = ANY (ARRAY(SELECT keys.id FROM keys)) AND \(stillMatches(change))
        ORDER BY q.id FOR UPDATE SKIP LOCKED
        """
    }

    /// The number of keys and the last of them, for the next batch.
    private static let keyColumns = """
        (SELECT count(*) FROM keys), (SELECT k.enqueued_at FROM keys k ORDER BY k.enqueued_at DESC, k.id DESC LIMIT 1),
        (SELECT k.id FROM keys k ORDER BY k.enqueued_at DESC, k.id DESC LIMIT 1)
        """

    // MARK: - Changing items

    private static func drop(changes: String? = nil) -> Statement {
        Statement(
            "",
            QueueStore.dropping(
                "\(keys(.cancel, "")), picked AS MATERIALIZED (\(locked(.cancel)))", reason: "$13::text",
                failure: "$14::text", source: "$15", changes: changes,
                result: """
                    SELECT (SELECT count(*) FROM dropped), \(keyColumns), NULL::uuid, NULL::boolean, event.*
                    FROM (VALUES (1)) AS one LEFT JOIN event ON true
                    """))
    }

    private static let cancel = drop()
    /// As the sweeper does: a schedule's run keeps the error of its last attempt, which says why it failed.
    private static let expire = drop(
        changes: """
            expires_at = least(q.expires_at, now()),
            last_error = CASE WHEN q.schedule_id IS NULL THEN $13::text ELSE coalesce(q.last_error, $13::text) END
            """)

    private static let retry = Statement(
        "",
        QueueStore.retrying(
            "\(keys(.retry, "AND \(isRetriable)")), item AS MATERIALIZED (\(locked(.retry)))", source: "$13",
            result: """
                SELECT (SELECT count(*) FROM retried), \(keyColumns), notices.* FROM (
                  SELECT NULL::uuid AS woken, NULL::boolean AS has_context, event.*
                  FROM (VALUES (1)) AS one LEFT JOIN event ON true
                  UNION ALL
                  SELECT retried.workspace_id, bool_or(retried.has_context), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
                  FROM retried GROUP BY retried.workspace_id) AS notices
                """))

    private static let pick = Statement(
        "",
        """
        WITH \(keys(.retry, "AND \(isRetriable)"))
        SELECT keys.enqueued_at, keys.id FROM keys ORDER BY keys.enqueued_at, keys.id
        """)

    /// Changes one batch of the items that a filter matches, in one transaction: the oldest after `cursor`.
    package func change(
        _ change: QueueChange, _ filter: FleetQueueFilter, after cursor: ListCursor?, limit: Int
    ) async throws -> ChangedPiece {
        let parameters = filter.parameters(in: change.states) + [cursor?.at, cursor?.id, limit]
        switch change {
        case .cancel: return try await drop(Self.cancel, Self.reasons, parameters, limit: limit)
        // With the sweeper's texts.
        case .expire: return try await drop(Self.expire, ("expired", "message expired"), parameters, limit: limit)
        case .retry:
            do {
                return try await run(Call(Self.retry, parameters + [queue.source]), limit: limit)
            } catch {
                // The batch has two items of the same message, of which only one can be queued.
                guard (error as? PostgresError)?.isUniqueViolation() == true else { throw error }
            }
            return try await retryEach(parameters, limit: limit)
        }
    }

    private static let reasons = (item: "cancelled by an operator", delegation: "cancelled by an operator")

    private func drop(
        _ statement: Statement, _ reasons: (item: String, delegation: String), _ parameters: [any PostgresEncodable],
        limit: Int
    ) async throws -> ChangedPiece {
        try await run(
            Call(statement, parameters + [reasons.item, reasons.delegation, queue.source]), limit: limit)
    }

    /// On an exclusive connection, so that no other statement is pipelined behind it.
    private func run(_ call: Call, limit: Int) async throws -> ChangedPiece {
        let rows = try await postgres.transaction { transaction in try await transaction.query([call])[0] }
        return try ChangedPiece(rows, limit: limit)
    }

    private func retryEach(_ parameters: [any PostgresEncodable], limit: Int) async throws -> ChangedPiece {
        let keys = try await postgres.transaction(readOnly: true) { transaction in
            try await transaction.query(Self.pick, parameters).map { ListCursor(at: $0.date(0), id: $0.uuid(1)) }
        }
        var batch = ChangedPiece()
        batch.next = keys.count == limit ? keys.last : nil
        for key in keys {
            let retried: (workspace: UUID, events: [CommittedEvent])?
            do {
                retried = try await retryOne(key.id)
            } catch {
                if batch.changed == 0 { throw error }
                batch.failure = error
                return batch
            }
            guard let retried else { continue }
            batch.changed += 1
            batch.events += retried.events
            batch.woken.append(retried.workspace)
            batch.withContext.append(retried.workspace)
        }
        return batch
    }

    /// - Returns: nil when it cannot be retried.
    private func retryOne(_ item: UUID) async throws -> (workspace: UUID, events: [CommittedEvent])? {
        do {
            if case .queued(let workspace, let events) = try await queue.retry(item) { return (workspace, events) }
        } catch {
            if !error.isUniqueViolation() { throw error }
        }
        return nil
    }
}

extension ChangedPiece {
    /// - Parameter rows: the numbers of changed items and of keys, the last key, a woken workspace and whether it has
    ///   an item with a context, and an event.
    fileprivate init(_ rows: PostgresRows, limit: Int) throws(PostgresError) {
        self.init()
        guard let first = try rows.first({ ($0.int(0), $0.int(1), $0.optionalDate(2), $0.optionalUUID(3)) }) else {
            return
        }
        changed = first.0
        if first.1 == limit, let at = first.2, let id = first.3 { next = ListCursor(at: at, id: id) }
        try rows.forEach { row in
            if let event = CommittedEvent(row: row, firstColumn: 6) { events.append(event) }
            guard let workspace = row.optionalUUID(4) else { return }
            woken.append(workspace)
            if row.optionalBool(5) == true { withContext.append(workspace) }
        }
    }
}
