import Concurrency
import Contracts
import EventOutbox
import Foundation
import Postgres

/// A message to be stored because its target is busy, or was not reached in the time that its caller gave.
package struct NewItem: Sendable {
    package var id = UUID()
    package var workspace: UUID
    package var caller: UUID?
    /// Which operator sent it, where no workspace did; see `Caller.operatorKey`.
    package var operatorKey: String?
    package var priority = 50
    package var method: String
    package var body: String
    package var messageID: String?
    package var contextID: String?
    /// The delegation that it carries, as its sender says; believed if it is a running one of that sender.
    package var delegation: UUID?
    package var isUncertain: Bool
    /// The target has no room until its next heartbeat.
    package var targetIsBusy: Bool
    package var error: String?
    package var traceparent: String?
    /// The fields of the A2A protocol that came with it, as ``ProtocolHeaders`` writes them.
    package var protocolHeaders: String?
    /// For a target that never heartbeats.
    package var backoff: Duration
    /// Not delivered before that, whatever the target reports: the agent's own `Retry-After`.
    package var hold: Duration = .zero
    /// How often it reached the agent, or may have.
    package var deliveries: Int

    package init(
        workspace: UUID, caller: UUID?, operatorKey: String? = nil, method: String, body: String, messageID: String?,
        contextID: String? = nil, delegation: UUID? = nil, isUncertain: Bool = false, targetIsBusy: Bool = true,
        error: String? = nil, traceparent: String? = nil, protocolHeaders: String? = nil,
        backoff: Duration = .seconds(30)
    ) {
        self.workspace = workspace
        self.caller = caller
        self.operatorKey = operatorKey
        self.method = method
        self.body = body
        self.messageID = messageID
        self.contextID = contextID
        self.delegation = delegation
        self.isUncertain = isUncertain
        self.targetIsBusy = targetIsBusy
        self.error = error
        self.traceparent = traceparent
        self.protocolHeaders = protocolHeaders
        self.backoff = backoff
        deliveries = isUncertain ? 1 : 0
    }
}

/// What became of a `NewItem`.
package struct Enqueued: Sendable {
    /// Of the item, or of the active one with the same caller's `messageId` that was there already.
    package let id: UUID
    /// How many wait for the target.
    package let depth: Int
    /// Nil when nothing was added.
    package let event: CommittedEvent?

    /// There was an active item with its key already, whatever that one says.
    package var isDuplicate: Bool { event == nil }
}

extension QueueStore {
    private static let rows = Recordset<NewItem>([
        .uuid("id") { $0.id },
        .uuid("workspace_id") { $0.workspace },
        .uuid("caller_id") { $0.caller },
        .text("operator_key") { $0.operatorKey },
        .integer("priority") { $0.priority },
        .text("method") { $0.method },
        .text("key") { $0.messageID },
        .text("context_id") { $0.contextID },
        .uuid("delegation_id") { $0.delegation },
        .bool("uncertain") { $0.isUncertain },
        .bool("is_busy") { $0.targetIsBusy },
        .text("error") { $0.error },
        .text("traceparent") { $0.traceparent },
        .text("protocol_headers") { $0.protocolHeaders },
        .double("backoff") { $0.backoff.inSeconds },
        .double("hold") { $0.hold > .zero ? $0.hold.inSeconds : nil },
        .integer("deliveries") { $0.deliveries },
    ])

    /// Nothing to `queued`. A delegation that a message says it carries is believed if it is a running one of its sender. The
    /// order of the rows keeps two transactions with the same keys from waiting for each other crosswise. The bodies stand
    /// beside the JSON; the limit is the number of messages, see `queue_finish`.
    package static let insert = Statement(
        "queue_insert",
        """
        WITH input AS (
          SELECT * FROM ROWS FROM (unnest($2::text[]), json_to_recordset($1::json) AS (\(rows.definition)))
            WITH ORDINALITY AS i (body)
          LIMIT $3)
        INSERT INTO a2a_queue (id, workspace_id, caller_id, priority, method, body, idempotency_key, context_id,
          delegation_id, delivery_uncertain, last_error, traceparent, enqueued_at, waits_for_heartbeat, available_at,
          protocol_headers, held_until, deliveries, operator_key)
        SELECT i.id, i.workspace_id, i.caller_id, i.priority, i.method, i.body, i.key, i.context_id,
          (SELECT d.id FROM delegations d WHERE d.id = i.delegation_id AND d.source_id = i.caller_id
            AND d.target_id = i.workspace_id AND d.status NOT IN ('completed', 'failed')), i.uncertain,
          i.error, i.traceparent, now() + i.ordinality * interval '1 microsecond',
          i.is_busy AND v.last_heartbeat_at IS NOT NULL,
          CASE WHEN i.is_busy AND v.last_heartbeat_at IS NULL THEN now() + make_interval(secs => i.backoff)
            ELSE now() END,
          i.protocol_headers, CASE WHEN i.hold > 0 THEN now() + make_interval(secs => i.hold) END, i.deliveries,
          i.operator_key
        FROM input i LEFT JOIN workspace_vitals v ON v.workspace_id = i.workspace_id
        ORDER BY i.workspace_id, i.key, i.caller_id, i.operator_key, i.ordinality
        ON CONFLICT (workspace_id, idempotency_key, caller_id, operator_key)
          WHERE status IN ('queued', 'dispatched') AND idempotency_key IS NOT NULL DO NOTHING
        """)

    /// Runs after `insert` with a snapshot of its own, so that it sees the rows that `insert` ran into. The order in the
    /// count is that of the index which is to serve it: planned while the queue is empty, all of them look the same.
    /// A target that was busy after its last heartbeat already is not told so again. The delegations are locked once the
    /// vitals are: a part that nobody asks for would run at the end.
    private static let response = Statement(
        "queue_insert_response", locks: .fail,
        """
        WITH input AS MATERIALIZED (
          SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $6::uuid[], $7::text[]) WITH ORDINALITY
            AS i (id, workspace_id, key, caller_id, operator_key, n)),
        locked AS MATERIALIZED (
          SELECT v.workspace_id FROM workspace_vitals v
          WHERE v.workspace_id = ANY ($5)
            AND (v.last_busy_at IS NULL OR v.last_heartbeat_at IS NULL OR v.last_busy_at <= v.last_heartbeat_at)
          ORDER BY v.workspace_id FOR UPDATE),
        busy AS (
          UPDATE workspace_vitals v SET last_busy_at = now() FROM locked WHERE v.workspace_id = locked.workspace_id),
        waiting AS MATERIALIZED (
          SELECT d.workspace_id, (SELECT count(*) FROM (
            SELECT FROM a2a_queue q WHERE q.workspace_id = d.workspace_id AND q.status = 'queued'
            ORDER BY q.priority DESC, \(turn), q.id LIMIT 10000) AS c) AS depth
          FROM (SELECT DISTINCT workspace_id FROM input) AS d),
        item AS MATERIALIZED (
          SELECT i.n, q.*, q.id = i.id AS is_new, waiting.depth, gen_random_uuid() AS event_id
          FROM input i JOIN waiting ON waiting.workspace_id = i.workspace_id
          CROSS JOIN LATERAL (
            (SELECT q.id, q.workspace_id, q.caller_id, q.method, q.delegation_id, q.traceparent FROM a2a_queue q WHERE q.id = i.id)
            UNION ALL
            (SELECT q.id, q.workspace_id, q.caller_id, q.method, q.delegation_id, q.traceparent FROM a2a_queue q
             WHERE q.workspace_id = i.workspace_id AND q.idempotency_key = i.key
               AND q.caller_id IS NOT DISTINCT FROM i.caller_id
               AND q.operator_key IS NOT DISTINCT FROM i.operator_key AND q.status IN ('queued', 'dispatched'))
            LIMIT 1) AS q),
        open AS MATERIALIZED (
          SELECT d.id FROM item JOIN delegations d ON d.id = item.delegation_id
          WHERE item.is_new AND d.status NOT IN ('completed', 'failed') AND (SELECT count(*) FROM locked) >= 0
          ORDER BY d.id FOR UPDATE OF d),
        put_off AS (
          UPDATE delegations d SET status = 'queued', queue_id = item.id, updated_at = clock_timestamp(),
            result_at = coalesce(d.result_at, clock_timestamp())
          FROM open JOIN item ON item.delegation_id = open.id WHERE item.is_new AND d.id = open.id),
        event AS (
          INSERT INTO structure_events (id, type, workspace_id, source, data, traceparent)
          SELECT event_id, 'a2a.queued', workspace_id, $4,
            event_a2a_queued(id, caller_id, depth, method, delegation_id), traceparent
          FROM item WHERE is_new ORDER BY n
          RETURNING \(CommittedEvent.columns))
        SELECT item.n, item.id, item.depth, event.* FROM item LEFT JOIN event ON event.id = item.event_id
        """)

    /// Stores messages and notes which of their targets are busy, in one transaction. A message whose caller has one
    /// with its `messageId` in the same queue, waiting or running, is not added.
    ///
    /// - Returns: one entry an item, in order; nil for one whose twin ended in the very moment it was met, so that
    ///   storing it again will succeed.
    package func enqueue(_ items: [NewItem]) async throws(PostgresError) -> [Enqueued?] {
        let workspaces = items.map(\.workspace)
        let (keys, callers, operators) = (items.map(\.messageID), items.map(\.caller), items.map(\.operatorKey))
        let insert = Call(Self.insert, [Self.rows.json(items), items.map(\.body), items.count])
        let busy = items.filter(\.targetIsBusy).map(\.workspace)
        let response = Call(Self.response, [items.map(\.id), workspaces, keys, source, busy, callers, operators])
        let rows = try await postgres.atomically([insert, response], deadline: .seconds(10))[1]
        var enqueued = [Enqueued?](repeating: nil, count: items.count)
        let stored = try rows.map { row in
            let event = CommittedEvent(row: row, firstColumn: 3)
            return (number: row.int(0), Enqueued(id: row.uuid(1), depth: row.int(2), event: event))
        }
        for (number, item) in stored { enqueued[number - 1] = item }
        return enqueued
    }

    private static let body = Statement("queue_body", "SELECT body FROM a2a_queue WHERE id = $1")

    /// The JSON-RPC request that an item carries; nil when it is gone.
    package func body(of item: UUID) async throws(PostgresError) -> [UInt8]? {
        try await postgres.query(Self.body, [item]).first { $0.bytes(0) }
    }
}
