import Contracts
import EventOutbox
import Foundation
import HTTPCore
import Postgres

/// A queue item that this instance holds the lease of.
package struct ClaimedItem: Sendable {
    package let id: UUID
    package let workspace: UUID
    package let caller: UUID?
    package let method: String
    package let body: [UInt8]
    package let attempts: Int
    package let claimNumber: Int
    package let messageID: String?
    package let delegation: UUID?
    package let schedule: UUID?
    package let isUncertain: Bool
    /// How often it reached the agent before, or may have.
    package let deliveries: Int
    package let traceparent: String?
    package let protocolHeaders: HTTPHeaders?
    package let facts: DeliveryState

    package var phase: DeliveryState.Phase { facts.phase }

    init(_ row: PostgresRow) {
        id = row.uuid(0)
        workspace = row.uuid(1)
        caller = row.optionalUUID(2)
        method = row.string(3)
        body = row.bytes(4)
        attempts = row.int(5)
        claimNumber = row.int(6)
        messageID = row.optionalString(7)
        delegation = row.optionalUUID(8)
        schedule = row.optionalUUID(9)
        isUncertain = row.bool(10)
        traceparent = row.optionalString(11)
        let isFirst = ["pending", "dispatched"].contains(row.optionalString(12))
        protocolHeaders = row.optionalString(14).map(ProtocolHeaders.fields)
        deliveries = row.int(15)
        facts = DeliveryState(
            attempts: attempts, claimNumber: claimNumber,
            phase: isFirst ? .firstDispatch(attempts: row.optionalInt(13) ?? 0) : .queued,
            refusals: Refusals(count: row.int(16), time: .seconds(row.optionalDouble(17) ?? 0)),
            pause: .seconds(row.optionalDouble(18) ?? 0))
    }
}

/// How much an instance can take on, whatever room the targets have.
package struct ClaimBounds: Sendable {
    /// Items of one workspace.
    package var itemsEach: Int
    /// Bytes of bodies, of all workspaces together; the item that reaches them is still taken.
    package var bytes: Int

    package init(itemsEach: Int, bytes: Int) {
        self.itemsEach = itemsEach
        self.bytes = bytes
    }

    /// Whether something may have been left for want of them.
    ///
    /// - Returns: all of the workspaces once the bytes were used up, else those that got as many items as they may.
    package func left(by items: [ClaimedItem], of workspaces: [UUID]) -> [UUID] {
        if items.reduce(0, { $0 + $1.body.count }) >= bytes { return workspaces }
        let counts = items.reduce(into: [UUID: Int]()) { $0[$1.workspace, default: 0] += 1 }
        return workspaces.filter { counts[$0, default: 0] >= itemsEach }
    }
}

/// What a pass of the drain got.
package struct Claims: Sendable {
    package var items: [ClaimedItem] = []
    package var events: [CommittedEvent] = []
    /// Why items that were claimed cannot be delivered.
    package var unreadable: [PostgresError] = []
}

extension QueueStore {
    /// One claim of a workspace at a time: the room is counted and used up under this lock.
    private static let lock = Statement(
        "queue_claim_lock", locks: .patient,
        """
        SELECT count(pg_advisory_xact_lock(hashtextextended(id::text, 7205)))
        FROM (SELECT id FROM unnest($1::uuid[]) AS id ORDER BY id) AS wanted
        """)

    /// Where an item stands among those of its priority.
    static let turn = "coalesce(q.requeued_at, q.enqueued_at)"

    /// What was just refused comes after everything else for so long, of whatever priority it is. Not for ever: while
    /// more and more comes in, it would never have its turn again.
    private static let isLate = "q.requeued_at > now() - interval '1 minute'"

    /// An item may go: its time has come, or a heartbeat came after its target sent it back; what is held waits out its
    /// time all the same. Of one context, nothing older may wait or run.
    private static let isReady = """
        q.workspace_id = room.id AND q.status = 'queued' AND q.expires_at > now()
          AND (q.held_until IS NULL OR q.held_until <= now())
          AND (\(turn) < room.last_heartbeat_at OR NOT q.waits_for_heartbeat AND q.available_at <= now())
          AND (q.context_id IS NULL OR NOT EXISTS (
            SELECT FROM a2a_queue o
            WHERE o.workspace_id = q.workspace_id AND o.context_id = q.context_id
              AND o.status IN ('queued', 'dispatched') AND o.id <> q.id
              AND (o.status = 'dispatched' OR (o.enqueued_at, o.id) < (q.enqueued_at, q.id))))
        """

    /// What waits and first dispatches, which only our own calls leave no room for, in their order; then what was just
    /// refused. What there is room for is ready; of that, as much is picked as the bytes allow: each workspace's
    /// first item before anyone's second, and the oldest of them first, so that none is passed over again and again.
    private static let claim = Statement(
        "queue_claim",
        """
        WITH room AS MATERIALIZED (
          SELECT w.id, v.last_heartbeat_at, w.max_concurrent_tasks - own.calls AS first_free,
            CASE WHEN v.last_busy_at IS NULL OR v.last_heartbeat_at > v.last_busy_at
                OR v.last_heartbeat_at IS NULL AND v.last_busy_at <= now() - make_interval(secs => $4)
              THEN w.max_concurrent_tasks - greatest(
                CASE WHEN v.last_heartbeat_at IS NULL THEN 0 ELSE v.active_tasks END, own.calls)
              ELSE 0 END AS free
          FROM unnest($1::uuid[]) AS wanted (id)
          JOIN workspaces w ON w.id = wanted.id
          LEFT JOIN workspace_vitals v ON v.workspace_id = w.id
          CROSS JOIN LATERAL (
            SELECT count(*) AS calls FROM a2a_queue r WHERE r.workspace_id = w.id AND r.status = 'dispatched') AS own
          WHERE w.status IN ('online', 'degraded', 'offline') AND (w.url <> '' OR w.forwarded_to IS NOT NULL)),
        ready AS MATERIALIZED (
          SELECT room.id AS workspace_id, room.free, room.first_free, item.* FROM room CROSS JOIN LATERAL (
            SELECT * FROM (
              SELECT q.id, 0 AS class, q.priority, \(turn) AS turn, octet_length(q.body) AS bytes FROM a2a_queue q
              WHERE \(isReady) AND NOT q.first_dispatch AND (\(isLate)) IS NOT TRUE
              ORDER BY q.priority DESC, \(turn), q.id
              LIMIT greatest(least(room.free, $6), 0) FOR UPDATE OF q SKIP LOCKED) AS waiting
            UNION ALL
            SELECT * FROM (
              SELECT q.id, 1, q.priority, \(turn), octet_length(q.body) FROM a2a_queue q
              WHERE \(isReady) AND q.first_dispatch
              ORDER BY q.priority DESC, \(turn), q.id
              LIMIT greatest(least(room.first_free, $6), 0) FOR UPDATE OF q SKIP LOCKED) AS new
            UNION ALL
            SELECT * FROM (
              SELECT q.id, 2, 0, q.requeued_at, octet_length(q.body) FROM a2a_queue q
              WHERE \(isReady) AND NOT q.first_dispatch AND \(isLate)
              ORDER BY q.requeued_at, q.id
              LIMIT greatest(least(room.free, $6), 0) FOR UPDATE OF q SKIP LOCKED) AS sent_back) AS item),
        placed AS (
          SELECT id, bytes, turn, class, free, first_free, row_number() OVER (
            PARTITION BY workspace_id ORDER BY class = 2, priority DESC, turn, id) AS place
          FROM ready),
        picked AS MATERIALIZED (
          SELECT id, place FROM (
            SELECT id, place, sum(bytes) OVER (ORDER BY place, turn, id ROWS UNBOUNDED PRECEDING) - bytes AS before
            FROM placed WHERE place <= least(CASE class WHEN 1 THEN first_free ELSE free END, $6)) AS summed
          WHERE before < $7),
        claimed AS (
          UPDATE a2a_queue q SET status = 'dispatched', lease_owner = $2, waits_for_heartbeat = false,
            lease_until = now() + make_interval(secs => $3), claim_number = q.claim_number + 1,
            dispatched_at = clock_timestamp()
          FROM picked WHERE q.id = picked.id
          RETURNING q.*, picked.place),
        pending AS MATERIALIZED (
          SELECT d.id FROM claimed c JOIN delegations d ON d.id = c.delegation_id WHERE d.status = 'pending'
          ORDER BY d.id FOR UPDATE OF d),
        delegated AS (
          UPDATE delegations d SET status = 'dispatched', updated_at = clock_timestamp()
          FROM pending WHERE d.id = pending.id
          RETURNING d.id, d.source_id, d.target_id, d.task, d.traceparent, gen_random_uuid() AS event_id),
        event AS (
          INSERT INTO structure_events (id, type, workspace_id, source, data, traceparent)
          SELECT event_id, 'delegation.status', source_id, $5, event_delegation(id, target_id, 'dispatched', task),
            traceparent
          FROM delegated
          RETURNING \(CommittedEvent.columns))
        SELECT c.id, c.workspace_id, c.caller_id, c.method, c.body, c.attempts, c.claim_number, c.idempotency_key,
          c.delegation_id, c.schedule_id, c.delivery_uncertain, c.traceparent, d.status, d.first_attempts,
          c.protocol_headers, c.deliveries, c.refusals, c.refused_seconds,
          extract(epoch FROM now() - c.requeued_at)::double precision, event.*
        FROM claimed c
        LEFT JOIN delegations d ON d.id = c.delegation_id
        LEFT JOIN delegated x ON x.id = c.delegation_id
        LEFT JOIN event ON event.id = x.event_id
        ORDER BY c.workspace_id, c.place
        """)

    /// Delegations whose target had no room for them are told to be queued. What was left since this instance had enough to
    /// do goes to the next claim as it is. The item is locked first, as by everyone who changes both.
    private static let putOff = Statement(
        "queue_put_off",
        """
        WITH late AS MATERIALIZED (
          SELECT q.id, q.delegation_id FROM a2a_queue q JOIN workspaces w ON w.id = q.workspace_id
          WHERE q.workspace_id = ANY ($1) AND q.status = 'queued' AND q.first_dispatch AND q.claim_number = 0
            AND (w.status NOT IN ('online', 'degraded', 'offline') OR coalesce(w.url, '') = '' AND w.forwarded_to IS NULL
              OR w.max_concurrent_tasks <= (
                SELECT count(*) FROM a2a_queue r WHERE r.workspace_id = w.id AND r.status = 'dispatched'))
          FOR UPDATE OF q SKIP LOCKED),
        waiting AS (
          UPDATE a2a_queue q SET first_dispatch = false FROM late WHERE q.id = late.id),
        pending AS MATERIALIZED (
          SELECT d.id FROM late JOIN delegations d ON d.id = late.delegation_id WHERE d.status = 'pending'
          ORDER BY d.id FOR UPDATE OF d),
        put_off AS (
          UPDATE delegations d SET status = 'queued', result_at = clock_timestamp(), updated_at = clock_timestamp()
          FROM pending WHERE d.id = pending.id
          RETURNING d.id, d.source_id, d.target_id, d.task, d.traceparent)
        INSERT INTO structure_events (type, workspace_id, source, data, traceparent)
        SELECT 'delegation.status', source_id, $2, event_delegation(id, target_id, 'queued', task), traceparent
        FROM put_off
        RETURNING \(CommittedEvent.columns)
        """)

    /// Takes what there is room for, highest priority first, then oldest, of one context one at a time.
    ///
    /// - Parameters:
    ///   - workspaces: each once.
    ///   - bounds: what the claimant can take on.
    ///   - owner: this instance.
    ///   - busyPause: how long a target that never heartbeats is left alone after it was busy.
    package func claim(
        _ workspaces: [UUID], within bounds: ClaimBounds, owner: String, lease: Duration, busyPause: Duration
    ) async throws(PostgresError) -> Claims {
        let answers = try await postgres.atomically(
            [
                Call(Self.lock, [workspaces]),
                Call(
                    Self.claim,
                    [workspaces, owner, lease.inSeconds, busyPause.inSeconds, source, bounds.itemsEach, bounds.bytes]),
                Call(Self.putOff, [workspaces, source]),
            ], deadline: .seconds(10))
        let rows = answers[1]
        // They are claimed already: one that cannot be read must not keep the others until their leases run out.
        let items = rows.decodeEach { ClaimedItem($0) }
        let events = rows.decodeEach { CommittedEvent(row: $0, firstColumn: 19) }
        let putOff = answers[2].decodeEach { CommittedEvent(row: $0) }
        return Claims(
            items: items.values, events: events.values + putOff.values,
            unreadable: items.refused + events.refused + putOff.refused)
    }
}
