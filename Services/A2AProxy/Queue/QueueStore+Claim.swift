import Concurrency
import Contracts
import EventOutbox
import Foundation
import Postgres

extension QueueStore {
    // MARK: - Locks

    /// One claim of a workspace at a time: the room is counted and used up under this lock.
    private static let lock = Statement(
        "queue_claim_lock", locks: .requeue,
        """
        SELECT count(pg_advisory_xact_lock(hashtextextended(id::text, 7205)))
        FROM (SELECT id FROM unnest($1::uuid[]) AS id ORDER BY id) AS wanted
        """)

    // MARK: - Whose turn it is

    /// Where an item stands among those of its priority.
    static let turn = "coalesce(q.requeued_at, q.enqueued_at)"

    /// What was just refused comes after everything else for so long, of whatever priority it is. Not for ever: while
    /// more and more comes in, it would never have its turn again.
    private static let isLate = "q.requeued_at > now() - interval '1 minute'"

    /// It waits, and has not expired.
    private static let isQueued = "q.workspace_id = room.id AND q.status = 'queued' AND q.expires_at > now()"

    /// Its time has come, or a heartbeat came after its target sent it back; what is held waits out its time all the same.
    private static let isDue = """
        (q.held_until IS NULL OR q.held_until <= now())
          AND (\(turn) < room.last_heartbeat_at OR NOT q.waits_for_heartbeat AND q.available_at <= now())
        """

    /// Of one context, nothing older waits, and nothing is being delivered.
    private static let isFirstOfItsContext = """
        (q.context_id IS NULL OR NOT EXISTS (
            SELECT FROM a2a_queue o
            WHERE o.workspace_id = q.workspace_id AND o.context_id = q.context_id
              AND o.status IN ('queued', 'dispatched') AND o.id <> q.id
              AND (o.status = 'dispatched' OR (o.enqueued_at, o.id) < (q.enqueued_at, q.id))))
        """

    private static let isReady = "\(isQueued) AND \(isDue) AND \(isFirstOfItsContext)"

    // MARK: - How much room there is

    /// A target that was busy has none until its next heartbeat; one that never heartbeats, until a pause ($4) is over.
    private static let isFree = """
        v.last_busy_at IS NULL OR v.last_heartbeat_at > v.last_busy_at
                OR v.last_heartbeat_at IS NULL AND v.last_busy_at <= now() - make_interval(secs => $4)
        """

    /// Items that each target can take: `free` by its own word and by our calls to it, `first_free` by our calls alone, as
    /// a delegation's first dispatch waits for no report of its target's. Counted under the advisory locks, so that no
    /// other claim uses the room up.
    private static let room = """
        room AS MATERIALIZED (
          SELECT w.id, v.last_heartbeat_at, w.max_concurrent_tasks - own.calls AS first_free,
            CASE WHEN \(isFree)
              THEN w.max_concurrent_tasks - greatest(
                CASE WHEN v.last_heartbeat_at IS NULL THEN 0 ELSE v.active_tasks END, own.calls)
              ELSE 0 END AS free
          FROM unnest($1::uuid[]) AS wanted (id)
          JOIN workspaces w ON w.id = wanted.id
          LEFT JOIN workspace_vitals v ON v.workspace_id = w.id
          CROSS JOIN LATERAL (
            SELECT count(*) AS calls FROM a2a_queue r WHERE r.workspace_id = w.id AND r.status = 'dispatched') AS own
          WHERE w.status IN ('online', 'degraded', 'offline') AND (w.url <> '' OR w.forwarded_to IS NOT NULL))
        """

    // MARK: - Which items

    /// Class 0: what waits, highest priority first, then by turn. Each part is locked where its index finds it, and what
    /// somebody else has in hand is passed over.
    private static let waiting = """
        SELECT q.id, 0 AS class, q.priority, \(turn) AS turn, octet_length(q.body) AS bytes FROM a2a_queue q
              WHERE \(isReady) AND NOT q.first_dispatch AND (\(isLate)) IS NOT TRUE
              ORDER BY q.priority DESC, \(turn), q.id
              LIMIT greatest(least(room.free, $6), 0) FOR UPDATE OF q SKIP LOCKED
        """

    /// Class 1: first dispatches, in the same order.
    private static let firstDispatches = """
        SELECT q.id, 1, q.priority, \(turn), octet_length(q.body) FROM a2a_queue q
              WHERE \(isReady) AND q.first_dispatch
              ORDER BY q.priority DESC, \(turn), q.id
              LIMIT greatest(least(room.first_free, $6), 0) FOR UPDATE OF q SKIP LOCKED
        """

    /// Class 2: what its target sent back within the last minute, whatever its priority.
    private static let sentBack = """
        SELECT q.id, 2, 0, q.requeued_at, octet_length(q.body) FROM a2a_queue q
              WHERE \(isReady) AND NOT q.first_dispatch AND \(isLate)
              ORDER BY q.requeued_at, q.id
              LIMIT greatest(least(room.free, $6), 0) FOR UPDATE OF q SKIP LOCKED
        """

    /// What each target could have of each class, locked.
    private static let ready = """
        ready AS MATERIALIZED (
          SELECT room.id AS workspace_id, room.free, room.first_free, item.* FROM room CROSS JOIN LATERAL (
            SELECT * FROM (\(waiting)) AS waiting
            UNION ALL
            SELECT * FROM (\(firstDispatches)) AS new
            UNION ALL
            SELECT * FROM (\(sentBack)) AS sent_back) AS item)
        """

    /// Of that, as much as there is room for, and as the bytes ($7) allow: each workspace's first item before anyone's
    /// second, and the oldest of them first, so that none is passed over again and again. Waiting items and first
    /// dispatches share one order; what was sent back comes last.
    private static let picked = """
        placed AS (
          SELECT id, bytes, turn, class, free, first_free, row_number() OVER (
            PARTITION BY workspace_id ORDER BY class = 2, priority DESC, turn, id) AS place
          FROM ready),
        picked AS MATERIALIZED (
          SELECT id, place FROM (
            SELECT id, place, sum(bytes) OVER (ORDER BY place, turn, id ROWS UNBOUNDED PRECEDING) - bytes AS before
            FROM placed WHERE place <= least(CASE class WHEN 1 THEN first_free ELSE free END, $6)) AS summed
          WHERE before < $7)
        """

    // MARK: - What becomes of them

    /// `queued` to `dispatched`: a lease, and the next claim number, by which every later writer is told apart.
    private static let claimed = """
        claimed AS (
          UPDATE a2a_queue q SET status = 'dispatched', lease_owner = $2, waits_for_heartbeat = false,
            lease_until = now() + make_interval(secs => $3), claim_number = q.claim_number + 1,
            dispatched_at = clock_timestamp()
          FROM picked WHERE q.id = picked.id
          RETURNING q.*, picked.place)
        """

    /// Locks the delegations whose first dispatch this is, in the order of their ids, after the items.
    private static let lockedDelegations = """
        pending AS MATERIALIZED (
          SELECT d.id FROM claimed c JOIN delegations d ON d.id = c.delegation_id WHERE d.status = 'pending'
          ORDER BY d.id FOR UPDATE OF d)
        """

    /// A delegation goes from `pending` to `dispatched` with its item, once; its event says so.
    private static let delegations = """
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
        """

    /// Its rows are the claimed items, each with the event of its delegation. The delegation's status is the one before:
    /// `pending` tells a first dispatch.
    private static let claim = Statement(
        "queue_claim",
        """
        WITH \(room),
        \(ready),
        \(picked),
        \(claimed),
        \(lockedDelegations),
        \(delegations)
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

    // MARK: - What is put off

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
        let results = try await postgres.atomically(
            [
                Call(Self.lock, [workspaces]),
                Call(
                    Self.claim,
                    [workspaces, owner, lease.inSeconds, busyPause.inSeconds, source, bounds.itemsEach, bounds.bytes]),
                Call(Self.putOff, [workspaces, source]),
            ], deadline: .seconds(10))
        let rows = results[1]
        // They are claimed already: one that cannot be read must not keep the others until their leases run out.
        let items = rows.decodeEach { ClaimedItem($0) }
        let events = rows.decodeEach { CommittedEvent(row: $0, firstColumn: 19) }
        let putOff = results[2].decodeEach { CommittedEvent(row: $0) }
        return Claims(
            items: items.values, events: events.values + putOff.values,
            unreadable: items.refused + events.refused + putOff.refused)
    }
}
