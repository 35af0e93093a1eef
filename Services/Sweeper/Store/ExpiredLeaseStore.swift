import EventOutbox
import Postgres

/// The statements that heal the message queue.
package struct ExpiredLeaseStore: Sendable {
    let postgres: PostgresPool
    let source: String

    package init(postgres: PostgresPool, source: String) {
        self.postgres = postgres
        self.source = source
    }

    /// Rows of one statement.
    package static let batch = 500

    /// Bytes may have been written before the instance died: the delivery is uncertain. It is no fault of the agent's,
    /// so the attempt is not counted. How many wait is counted once a workspace, and no further than to ten thousand.
    private static let recover = Statement(
        "lease_recover",
        """
        WITH lost AS (
            SELECT id FROM a2a_queue WHERE status = 'dispatched' AND lease_until < now()
            LIMIT $1 FOR UPDATE SKIP LOCKED
        ), back AS (
            UPDATE a2a_queue q SET status = 'queued', lease_owner = NULL, lease_until = NULL,
                delivery_uncertain = true, deliveries = q.deliveries + 1, waits_for_heartbeat = false,
                available_at = now(),
                last_error = 'the instance that was delivering it went away',
                attempts_log = a2a_queue_logged(q.attempts_log, 'uncertain',
                    'the instance that was delivering it went away', NULL)
            FROM lost WHERE q.id = lost.id
            RETURNING q.id, q.workspace_id, q.caller_id, q.method, q.delegation_id, q.traceparent
        ), waiting AS (
            SELECT b.workspace_id, b.returned + (SELECT count(*) FROM (
                SELECT FROM a2a_queue q WHERE q.workspace_id = b.workspace_id AND q.status = 'queued'
                ORDER BY q.priority DESC, coalesce(q.requeued_at, q.enqueued_at), q.id LIMIT 10000) AS c) AS depth
            FROM (SELECT workspace_id, count(*) AS returned FROM back GROUP BY workspace_id) AS b
        )
        INSERT INTO structure_events (type, workspace_id, source, data, traceparent)
        SELECT 'a2a.queued', workspace_id, $2, event_a2a_queued(id, caller_id, depth, method, delegation_id), traceparent
        FROM back JOIN waiting USING (workspace_id) RETURNING \(CommittedEvent.columns)
        """)

    /// Puts items back whose lease ran out.
    package func recoverLeases() async throws(PostgresError) -> [CommittedEvent] {
        try await postgres.query(Self.recover, [Self.batch, source]).compactMap { CommittedEvent(row: $0) }
    }

    /// Drops what `old` selects, with a delegation's end and the events that follow.
    ///
    /// - Parameters:
    ///   - old: selects `id` of queued items, locked, at most `$1` of them.
    ///   - reason: what is said of the item; a schedule's run keeps what was said of its last try, which says why it came to
    ///     nothing.
    ///   - failure: what is said of its delegation.
    private static func dropping(_ old: String, reason: String, failure: String) -> String {
        """
        WITH \(old), dropped AS (
            UPDATE a2a_queue q SET status = 'dropped', completed_at = now(),
                last_error = CASE WHEN q.schedule_id IS NULL THEN '\(reason)' ELSE coalesce(q.last_error, '\(reason)') END
            FROM old WHERE q.id = old.id
            RETURNING q.id, q.workspace_id, q.attempts, q.delegation_id, q.schedule_id, q.traceparent
        ), open AS MATERIALIZED (
            SELECT d.id FROM dropped JOIN delegations d ON d.id = dropped.delegation_id
            WHERE d.status IN ('pending', 'dispatched', 'queued') ORDER BY d.id FOR UPDATE OF d
        ), delegation AS (
            UPDATE delegations d SET status = 'failed', error = '\(failure)', updated_at = now(),
                completed_at = now(), result_at = COALESCE(result_at, now())
            FROM open WHERE d.id = open.id
            RETURNING d.id, d.source_id, d.target_id, d.task, d.traceparent
        ), recorded AS (
            SELECT 'a2a.dropped' AS type, workspace_id,
                event_a2a_outcome(id, attempts, '\(reason)', delegation_id, schedule_id) AS data, traceparent
            FROM dropped
            UNION ALL
            SELECT 'delegation.failed', source_id,
                event_delegation(id, target_id, 'failed', task, error => '\(failure)'), traceparent
            FROM delegation
        )
        INSERT INTO structure_events (type, workspace_id, source, data, traceparent)
        SELECT type, workspace_id, $2, data, traceparent FROM recorded RETURNING \(CommittedEvent.columns)
        """
    }

    private static let expire = Statement(
        "queue_expire",
        dropping(
            """
            old AS (
                SELECT id FROM a2a_queue WHERE status = 'queued' AND expires_at < now() LIMIT $1 FOR UPDATE SKIP LOCKED)
            """, reason: "expired", failure: "message expired"))

    /// Drops items that nobody took in time; a delegation fails with its item.
    package func dropExpired() async throws(PostgresError) -> [CommittedEvent] {
        try await postgres.query(Self.expire, [Self.batch, source]).compactMap { CommittedEvent(row: $0) }
    }

    /// Steps from workspace to workspace through the index, however many items each has.
    private static let abandon = Statement(
        "queue_abandon",
        dropping(
            """
            RECURSIVE waiting (id) AS (
                (SELECT workspace_id FROM a2a_queue WHERE status = 'queued' ORDER BY workspace_id LIMIT 1)
                UNION ALL
                SELECT (SELECT q.workspace_id FROM a2a_queue q
                    WHERE q.status = 'queued' AND q.workspace_id > waiting.id ORDER BY q.workspace_id LIMIT 1)
                FROM waiting WHERE waiting.id IS NOT NULL
            ), old AS (
                SELECT q.id FROM waiting JOIN a2a_queue q ON q.workspace_id = waiting.id AND q.status = 'queued'
                WHERE NOT EXISTS (SELECT FROM workspaces w WHERE w.id = waiting.id AND w.status <> 'removed')
                LIMIT $1 FOR UPDATE OF q SKIP LOCKED)
            """, reason: "workspace removed", failure: "workspace removed"))

    /// Drops items whose workspace is gone: they were being delivered, or accepted, while it was removed.
    package func dropAbandoned() async throws(PostgresError) -> [CommittedEvent] {
        try await postgres.query(Self.abandon, [Self.batch, source]).compactMap { CommittedEvent(row: $0) }
    }
}
