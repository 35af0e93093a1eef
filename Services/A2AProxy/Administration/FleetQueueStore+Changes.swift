import Contracts
import EventOutbox
import Foundation
import PostgresClient
import ServiceHost

/// What an operator can do with many items at once.
package enum QueueChange: String, Sendable, CaseIterable {
    /// Failed ones are tried once more.
    case retry
    /// Waiting ones are taken out.
    case cancel
    /// Waiting ones end as if nobody had taken them in time.
    case expire

    /// Of items that it is possible for.
    package var states: [QueueState] {
        switch self {
        case .retry: [.failed]
        case .cancel, .expire: [.waiting, .retrying]
        }
    }
}

/// What changing one piece of what a filter matches came to.
package struct ChangedPiece: Sendable {
    package var changed = 0
    package var events: [CommittedEvent] = []
    /// Whose items wait again.
    package var woken: [UUID] = []
    /// Those of them that have an item with a context.
    package var withContext: [UUID] = []
    /// Where the next piece begins; nil when there is none.
    package var next: ListCursor?
    /// What ended it in its midst, where its items are changed one by one; all else that it says has been done.
    package var failure: (any Error)?
}

extension FleetQueueStore {
    /// Items of one transaction.
    package static let piece = 500

    // MARK: - What is meant

    /// Beside having failed: somebody takes it, somebody waits for it, and it is not in the queue already.
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

    /// The keys of one piece, `keys`: the oldest items behind the cursor (`$10`, `$11`), `$12` at most.
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

    /// That an item is still meant once it is locked: it may have been claimed, or tried, since its key was read.
    private static func isStillMeant(_ change: QueueChange) -> String {
        let states = change.states.map { "'\($0.rawValue)' = ANY ($9::text[]) AND \($0.condition)" }
        return "(\(states.joined(separator: " OR "))) AND \(FleetQueueFilter.condition)"
    }

    /// What somebody else has in hand is left: a delivery, or another operator's change.
    private static func locked(_ change: QueueChange) -> String {
        """
        SELECT q.id, q.workspace_id FROM a2a_queue q
        WHERE q.id = ANY (ARRAY(SELECT keys.id FROM keys)) AND \(isStillMeant(change))
        ORDER BY q.id FOR UPDATE SKIP LOCKED
        """
    }

    /// How many keys there were and which was the last, for the next piece.
    private static let ofKeys = """
        (SELECT count(*) FROM keys), (SELECT k.enqueued_at FROM keys k ORDER BY k.enqueued_at DESC, k.id DESC LIMIT 1),
        (SELECT k.id FROM keys k ORDER BY k.enqueued_at DESC, k.id DESC LIMIT 1)
        """

    // MARK: - Doing it

    private static func drop(changes: String? = nil) -> Statement {
        Statement(
            "",
            QueueStore.dropping(
                "\(keys(.cancel, "")), picked AS MATERIALIZED (\(locked(.cancel)))", reason: "$13::text",
                failure: "$14::text", source: "$15", changes: changes,
                result: """
                    SELECT (SELECT count(*) FROM dropped), \(ofKeys), NULL::uuid, NULL::boolean, event.*
                    FROM (VALUES (1)) AS one LEFT JOIN event ON true
                    """))
    }

    private static let cancel = drop()
    /// As the sweeper does: a schedule's run keeps what was said of its last try, which says why it came to nothing.
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
                SELECT (SELECT count(*) FROM retried), \(ofKeys), told.* FROM (
                  SELECT NULL::uuid AS woken, NULL::boolean AS has_context, event.*
                  FROM (VALUES (1)) AS one LEFT JOIN event ON true
                  UNION ALL
                  SELECT retried.workspace_id, bool_or(retried.has_context), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
                  FROM retried GROUP BY retried.workspace_id) AS told
                """))

    private static let pick = Statement(
        "",
        """
        WITH \(keys(.retry, "AND \(isRetriable)"))
        SELECT keys.enqueued_at, keys.id FROM keys ORDER BY keys.enqueued_at, keys.id
        """)

    /// Changes one piece of what a filter matches, in one transaction: the oldest behind `cursor`.
    package func change(
        _ change: QueueChange, _ filter: FleetQueueFilter, after cursor: ListCursor?, limit: Int
    ) async throws -> ChangedPiece {
        let parameters = filter.parameters(in: change.states) + [cursor?.at, cursor?.id, limit]
        switch change {
        case .cancel: return try await drop(Self.cancel, Self.reasons, parameters, limit: limit)
        // In the sweeper's words.
        case .expire: return try await drop(Self.expire, ("expired", "message expired"), parameters, limit: limit)
        case .retry:
            do {
                return try await run(Call(Self.retry, parameters + [queue.source]), limit: limit)
            } catch {
                // Among them are two of the same message, of which one can wait.
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

    /// On a connection of its own, since nobody should stand behind it.
    private func run(_ call: Call, limit: Int) async throws -> ChangedPiece {
        let rows = try await postgres.transaction { transaction in try await transaction.query([call])[0] }
        return try ChangedPiece(rows, limit: limit)
    }

    private func retryEach(_ parameters: [any PostgresEncodable], limit: Int) async throws -> ChangedPiece {
        let keys = try await postgres.transaction(readOnly: true) { transaction in
            try await transaction.query(Self.pick, parameters).map { ListCursor(at: $0.date(0), id: $0.uuid(1)) }
        }
        var piece = ChangedPiece()
        piece.next = keys.count == limit ? keys.last : nil
        for key in keys {
            let retried: (workspace: UUID, events: [CommittedEvent])?
            do {
                retried = try await retryOne(key.id)
            } catch {
                if piece.changed == 0 { throw error }
                piece.failure = error
                return piece
            }
            guard let retried else { continue }
            piece.changed += 1
            piece.events += retried.events
            piece.woken.append(retried.workspace)
            piece.withContext.append(retried.workspace)
        }
        return piece
    }

    /// - Returns: nil when it cannot be tried again.
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
    /// - Parameter rows: how many were changed, how many keys there were, the last of them, a workspace that was woken and
    ///   whether with a context, and an event.
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
