import AgentResponses
import Authentication
import Contracts
import EventOutbox
import Foundation
import PlatformInternals
import Postgres

extension QueueStore {
    static let columns = """
        id, workspace_id, caller_id, status, priority, method, attempts, delivery_uncertain, last_error, delegation_id,
        schedule_id, enqueued_at, dispatched_at, completed_at, expires_at, refusals
        """

    /// Counts no further than a person would: whoever is behind ten thousand others learns that much.
    private static let one = Statement(
        "queue_one",
        """
        SELECT \(columns), CASE WHEN status = 'queued' THEN (SELECT count(*) FROM (
            SELECT FROM a2a_queue o WHERE o.workspace_id = q.workspace_id AND o.status = 'queued'
              AND (o.priority > q.priority OR o.priority = q.priority
                AND (coalesce(o.requeued_at, o.enqueued_at), o.id) <= (\(turn), q.id))
            LIMIT 10000) AS ahead) END, response_status, response, response_bytes
        FROM a2a_queue q WHERE id = $1
        """)

    private static let request = Statement("queue_request", "SELECT body FROM a2a_queue WHERE id = $1")

    /// What an item carries, in the bytes that came.
    package func request(of item: UUID) async throws(PostgresError) -> [UInt8]? {
        try await postgres.query(Self.request, [item]).first { $0.bytes(0) }
    }

    /// One item with its response.
    package func item(_ id: UUID) async throws(PostgresError) -> QueueItem? {
        try await postgres.query(Self.one, [id]).first { row in
            var item = QueueItem(row)
            if item.status == .completed {
                item.responseStatus = row.optionalInt(17)
                if let bytes = StoredBody.bytes(row, 18, exactly: 19) { item.setResponse(bytes) }
            }
            return item
        }
    }

    private static let sender = Statement("queue_sender", "SELECT caller_id, operator_key FROM a2a_queue WHERE id = $1")

    /// The workspace whose token may look at an item beside the operators'; nil when there is none.
    package func sender(of item: UUID) async throws(PostgresError) -> UUID? {
        try await postgres.query(Self.sender, [item]).first { row in
            row.optionalUUID(0) ?? row.optionalString(1).flatMap(Caller.workspaceAtConsole)
        }
    }

    /// What follows from items being dropped, in the same statement: their events, and the end of their delegations.
    ///
    /// - Parameters:
    ///   - picked: further parts of the statement, the last of them `picked`, which selects the ids of waiting items, locked
    ///     in their order or not waited for.
    ///   - reason: what is said of the items, and `failure` of their delegations: parameters, with their type.
    ///   - changes: of the items' columns beside their end.
    ///   - result: what the statement selects from `dropped` and `event`.
    static func dropping(
        _ picked: String, reason: String, failure: String, source: String, changes: String? = nil,
        result: String = "SELECT (SELECT count(*) FROM dropped) AS dropped, event.* FROM event"
    ) -> String {
        """
        WITH \(picked),
        dropped AS (
          UPDATE a2a_queue q SET status = 'dropped', completed_at = clock_timestamp(),
            \(changes ?? "last_error = \(reason)")
          FROM picked WHERE q.id = picked.id
          RETURNING q.id, q.workspace_id, q.attempts, q.delegation_id, q.schedule_id, q.traceparent),
        open AS MATERIALIZED (
          SELECT d.id FROM dropped JOIN delegations d ON d.id = dropped.delegation_id
          WHERE d.status NOT IN ('completed', 'failed') ORDER BY d.id FOR UPDATE OF d),
        delegated AS (
          UPDATE delegations d SET status = 'failed', error = \(failure), updated_at = clock_timestamp(),
            result_at = coalesce(d.result_at, clock_timestamp()), completed_at = clock_timestamp()
          FROM open WHERE d.id = open.id
          RETURNING d.id, d.source_id, d.target_id, d.task, d.traceparent),
        event AS (
          INSERT INTO structure_events (type, workspace_id, source, data, traceparent)
          SELECT 'a2a.dropped', workspace_id, \(source),
            event_a2a_outcome(id, attempts, \(reason), delegation_id, schedule_id), traceparent
          FROM dropped
          UNION ALL
          SELECT 'delegation.failed', source_id, \(source),
            event_delegation(id, target_id, 'failed', task, error => \(failure)), traceparent
          FROM delegated
          RETURNING \(CommittedEvent.columns))
        \(result)
        """
    }

    private static func droppingOnRequest(_ picked: String) -> String {
        dropping(
            "picked AS MATERIALIZED (SELECT q.id FROM a2a_queue q WHERE q.status = 'queued' AND \(picked))",
            reason: "$2::text", failure: "$2::text", source: "$3")
    }

    private static let drop = Statement(
        "queue_drop", locks: .requeue, droppingOnRequest("q.id = $1 AND q.workspace_id = $4 FOR UPDATE"))
    private static let dropStale = Statement(
        "queue_drop_stale",
        droppingOnRequest(
            """
            q.enqueued_at < now() - make_interval(mins => $1) AND ($4::uuid IS NULL OR q.workspace_id = $4)
            LIMIT $5 FOR UPDATE SKIP LOCKED
            """))

    /// Items of one statement.
    package static let staleBatch = 500

    /// Takes a waiting item out of a workspace's queue.
    ///
    /// - Returns: how many were dropped, 0 when it does not wait (any more), and the events.
    package func drop(
        _ item: UUID, of workspace: UUID, reason: String
    ) async throws(PostgresError) -> (dropped: Int, events: [CommittedEvent]) {
        try await Self.read(postgres.query(Self.drop, [item, reason, source, workspace]))
    }

    /// Drops a batch of what has waited for longer than some minutes, for one workspace or for all. There is more when it
    /// was a whole one. What somebody else has in hand is left; on a connection of its own, since nobody should stand
    /// behind it.
    package func dropStale(
        minutes: Int, of workspace: UUID?, reason: String
    ) async throws -> (dropped: Int, events: [CommittedEvent]) {
        try await postgres.transaction { transaction in
            try Self.read(
                try await transaction.query(Self.dropStale, [minutes, reason, source, workspace, Self.staleBatch]))
        }
    }

    private static func read(
        _ rows: PostgresRows
    ) throws(PostgresError) -> (dropped: Int, events: [CommittedEvent]) {
        (try rows.first { $0.int(0) } ?? 0, try rows.compactMap { CommittedEvent(row: $0, firstColumn: 1) })
    }

    /// What follows from items being tried again, in the same statement: a delegation that failed with its item is queued
    /// again with it. The workspaces are locked after the items, as by everybody: a removal that waits for one leaves the
    /// item to the sweeper, one that came first is seen.
    ///
    /// - Parameters:
    ///   - picked: further parts of the statement, the last of them `item`, which selects `id` and `workspace_id` of failed
    ///     items, locked in the order of their ids.
    ///   - result: what the statement selects from `retried` and `event`.
    static func retrying(_ picked: String, source: String, result: String) -> String {
        """
        WITH \(picked),
        target AS MATERIALIZED (
          SELECT w.id FROM workspaces w WHERE w.id IN (SELECT item.workspace_id FROM item) AND w.status <> 'removed'
          ORDER BY w.id FOR SHARE OF w),
        retried AS (
          UPDATE a2a_queue q SET status = 'queued', attempts = 0, available_at = now(), waits_for_heartbeat = false,
            held_until = NULL, requeued_at = NULL, refusals = 0, refused_seconds = 0, first_dispatch = false,
            completed_at = NULL, run_recorded = false, expires_at = CASE WHEN q.schedule_id IS NULL
              THEN greatest(q.expires_at, now() + interval '1 day')
              ELSE now() + interval '\(Limits.scheduleWait.components.seconds) seconds' END,
            attempts_log = a2a_queue_logged(q.attempts_log, 'retried', NULL, NULL)
          FROM item JOIN target ON target.id = item.workspace_id
          WHERE q.id = item.id AND q.status = 'failed' AND (q.delegation_id IS NULL
            OR EXISTS (SELECT FROM delegations d WHERE d.id = q.delegation_id AND d.status = 'failed'
              AND NOT d.ended_by_source))
          RETURNING q.workspace_id, q.delegation_id, q.context_id IS NOT NULL AS has_context),
        open AS MATERIALIZED (
          SELECT d.id FROM retried JOIN delegations d ON d.id = retried.delegation_id
          WHERE d.status = 'failed' ORDER BY d.id FOR UPDATE OF d),
        delegated AS (
          UPDATE delegations d SET status = 'queued', error = NULL, completed_at = NULL, updated_at = clock_timestamp()
          FROM open WHERE d.id = open.id
          RETURNING d.id, d.source_id, d.target_id, d.task, d.traceparent),
        event AS (
          INSERT INTO structure_events (type, workspace_id, source, data, traceparent)
          SELECT 'delegation.status', source_id, \(source), event_delegation(id, target_id, 'queued', task), traceparent
          FROM delegated
          RETURNING \(CommittedEvent.columns))
        \(result)
        """
    }

    private static let retry = Statement(
        "queue_retry",
        retrying(
            """
            item AS MATERIALIZED (
              SELECT q.id, q.workspace_id FROM a2a_queue q WHERE q.id = $1 AND q.status = 'failed' FOR UPDATE)
            """, source: "$2", result: "SELECT retried.workspace_id, event.* FROM retried LEFT JOIN event ON true"))

    /// What an attempt to retry an item came to.
    package enum Retried: Sendable {
        case queued(workspace: UUID, events: [CommittedEvent])
        case unknown
        case notFailed(QueueStatus)
        /// There is nobody to deliver it to.
        case workspaceRemoved
        /// Nobody waits for it any more: the delegation that it carries was ended by its source, or is gone (nil).
        case delegationEnded(DelegationStatus?)
    }

    private static let whyNotRetried = Statement(
        "queue_retry_refusal",
        """
        SELECT q.status, coalesce(w.status, 'removed') = 'removed', q.delegation_id IS NOT NULL, d.status
        FROM a2a_queue q LEFT JOIN workspaces w ON w.id = q.workspace_id LEFT JOIN delegations d ON d.id = q.delegation_id
        WHERE q.id = $1
        """)

    /// Gives a failed item as many attempts as a new one.
    ///
    /// - Throws: a unique violation when the same message, or the same delegation, is active already.
    package func retry(_ item: UUID) async throws(PostgresError) -> Retried {
        let rows = try await postgres.query(Self.retry, [item, source])
        if let workspace = try rows.first({ $0.uuid(0) }) {
            let events = try rows.compactMap { CommittedEvent(row: $0, firstColumn: 1) }
            return .queued(workspace: workspace, events: events)
        }
        return try await postgres.query(Self.whyNotRetried, [item]).first { row in
            if row.bool(1) { return .workspaceRemoved }
            let status = QueueStatus(rawValue: row.string(0)) ?? .failed
            guard status == .failed, row.bool(2) else { return .notFailed(status) }
            return .delegationEnded(row.optionalString(3).flatMap(DelegationStatus.init(rawValue:)))
        } ?? .unknown
    }
}

extension QueueItem {
    /// JSON as it came, text as a string; what is neither as its bytes, beside the text that is in them.
    fileprivate mutating func setResponse(_ bytes: [UInt8]) {
        response = RawJSON(asJSON: bytes)
        if String(validating: bytes, as: UTF8.self) == nil { responseBase64 = Data(bytes).base64EncodedString() }
    }

    /// - Parameter row: the columns, then the position.
    init(_ row: PostgresRow) {
        self.init(
            queueID: row.uuid(0), workspaceID: row.uuid(1), callerID: row.optionalUUID(2),
            status: QueueStatus(rawValue: row.string(3)) ?? .failed, priority: Priority(rawValue: row.int(4)),
            method: row.string(5), attempts: row.int(6), deliveryUncertain: row.bool(7),
            lastError: row.optionalString(8), delegationID: row.optionalUUID(9), scheduleID: row.optionalUUID(10),
            enqueuedAt: row.date(11), dispatchedAt: row.optionalDate(12), completedAt: row.optionalDate(13),
            expiresAt: row.date(14))
        refusals = row.int(15)
        position = row.optionalInt(16)
    }
}
