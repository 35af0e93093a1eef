import EventOutbox
import PostgresClient

/// The statements that heal the message queue.
package struct QueueRecoveryStore: Sendable {
    let postgres: PostgresPool
    let source: String

    package init(postgres: PostgresPool, source: String) {
        self.postgres = postgres
        self.source = source
    }

    /// Rows of one statement.
    package static let batch = 500

    /// Bytes may have been written before the instance died: the delivery is uncertain. It is no fault of the agent's,
    /// so the attempt is not counted.
    private static let recover = Statement(
        "lease_recover",
        """
        WITH lost AS (
            SELECT id FROM a2a_queue WHERE status = 'dispatched' AND lease_until < now()
            LIMIT $1 FOR UPDATE SKIP LOCKED
        ), back AS (
            UPDATE a2a_queue q SET status = 'queued', lease_owner = NULL, lease_until = NULL,
                delivery_uncertain = true, waits_for_heartbeat = false, available_at = now(),
                last_error = 'the instance that was delivering it went away'
            FROM lost WHERE q.id = lost.id
            RETURNING q.id, q.workspace_id, q.caller_id, q.method
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'a2a.queued', workspace_id, $2, ('{"queue_id":"' || id || '","caller_id":'
            || COALESCE('"' || caller_id || '"', 'null') || ',"queue_depth":'
            || (SELECT count(*) FROM a2a_queue d WHERE d.workspace_id = back.workspace_id AND d.status = 'queued') + 1
            || ',"method":' || to_json(method)::text || '}')::json
        FROM back RETURNING \(CommittedEvent.columns)
        """)

    /// Puts items back whose lease ran out.
    package func recoverLeases() async throws(PostgresError) -> [CommittedEvent] {
        try await postgres.query(Self.recover, [Self.batch, source]).compactMap { CommittedEvent(row: $0) }
    }

    private static let expire = Statement(
        "queue_expire",
        """
        WITH old AS (
            SELECT id FROM a2a_queue WHERE status = 'queued' AND expires_at < now()
            LIMIT $1 FOR UPDATE SKIP LOCKED
        ), dropped AS (
            UPDATE a2a_queue q SET status = 'dropped', completed_at = now(), last_error = 'expired'
            FROM old WHERE q.id = old.id
            RETURNING q.id, q.workspace_id, q.attempts, q.delegation_id
        ), delegation AS (
            UPDATE delegations d SET status = 'failed', error = 'message expired', updated_at = now(),
                completed_at = now(), result_at = COALESCE(result_at, now())
            FROM dropped WHERE d.id = dropped.delegation_id AND d.status IN ('pending', 'dispatched', 'queued')
            RETURNING d.id, d.source_id, d.target_id
        ), told AS (
            SELECT 'a2a.dropped' AS type, workspace_id, ('{"queue_id":"' || id || '","attempts":' || attempts
                || ',"error":"expired"}')::json AS data FROM dropped
            UNION ALL
            SELECT 'delegation.failed', source_id, ('{"delegation_id":"' || id || '","target_id":"' || target_id
                || '","status":"failed","error":"message expired"}')::json FROM delegation
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT type, workspace_id, $2, data FROM told RETURNING \(CommittedEvent.columns)
        """)

    /// Drops items that nobody took in time; a delegation fails with its item.
    package func dropExpired() async throws(PostgresError) -> [CommittedEvent] {
        try await postgres.query(Self.expire, [Self.batch, source]).compactMap { CommittedEvent(row: $0) }
    }
}
