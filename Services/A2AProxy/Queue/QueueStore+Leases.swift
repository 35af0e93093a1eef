import Concurrency
import Contracts
import Foundation
import Postgres

/// A lease that this instance believes to hold.
package struct ItemLease: Sendable, Hashable {
    package let item: UUID
    package let claimNumber: Int

    package init(item: UUID, claimNumber: Int) {
        self.item = item
        self.claimNumber = claimNumber
    }
}

/// Workspaces that nobody thought of although something waits for them.
package struct UnnotifiedTargets: Sendable, Hashable {
    /// They have room.
    package var ready: [UUID] = []
    /// They are hibernated.
    package var asleep: [UUID] = []
}

extension QueueStore {
    private static let extend = Statement(
        "queue_extend_leases",
        """
        UPDATE a2a_queue q SET lease_until = now() + make_interval(secs => $4)
        FROM unnest($1::uuid[], $2::bigint[]) AS held (id, claim)
        WHERE q.id = held.id AND q.claim_number = held.claim AND q.status = 'dispatched' AND q.lease_owner = $3
        RETURNING q.id
        """)

    /// Extends leases.
    ///
    /// - Returns: the items whose lease is still ours; the others are somebody else's business by now.
    package func extend(
        _ leases: [ItemLease], owner: String, by duration: Duration
    ) async throws(PostgresError) -> Set<UUID> {
        let sorted = leases.sorted { $0.item < $1.item }
        let rows = try await postgres.query(
            Self.extend, [sorted.map(\.item), sorted.map(\.claimNumber), owner, duration.inSeconds])
        return Set(try rows.map { $0.uuid(0) })
    }

    private static let handBack = Statement(
        "queue_hand_back",
        """
        UPDATE a2a_queue q SET status = 'queued', lease_owner = NULL, lease_until = NULL, available_at = now(),
          delivery_uncertain = true, deliveries = q.deliveries + 1,
          attempts_log = a2a_queue_logged(q.attempts_log, 'uncertain', 'the instance that was delivering it stopped', NULL)
        FROM unnest($1::uuid[], $2::bigint[]) AS held (id, claim)
        WHERE q.id = held.id AND q.claim_number = held.claim AND q.status = 'dispatched'
        """)

    /// Gives items back whose calls a shutdown interrupts: not a failed attempt, but nobody knows what the agent saw.
    package func handBack(_ leases: [ItemLease]) async throws(PostgresError) {
        let sorted = leases.sorted { $0.item < $1.item }
        _ = try await postgres.query(Self.handBack, [sorted.map(\.item), sorted.map(\.claimNumber)])
    }

    private static let park = Statement(
        "queue_park",
        """
        WITH parked AS (
          UPDATE a2a_queue SET status = 'failed', last_error = $3, lease_owner = NULL, lease_until = NULL,
            delivery_uncertain = true, completed_at = clock_timestamp(),
            attempts_log = a2a_queue_logged(attempts_log, 'failed', $3, NULL)
          WHERE id = $1 AND claim_number = $2 AND status = 'dispatched' RETURNING delegation_id)
        UPDATE delegations d SET status = 'failed', error = $3, updated_at = clock_timestamp(),
          result_at = coalesce(d.result_at, clock_timestamp()), completed_at = clock_timestamp()
        FROM parked WHERE d.id = parked.delegation_id AND d.status NOT IN ('completed', 'failed')
        """)

    /// Fails an item whose end the database does not take with all that follows from it: visibly, and never to be delivered
    /// again and again.
    package func park(_ lease: ItemLease, reason: String) async throws(PostgresError) {
        _ = try await postgres.query(Self.park, [lease.item, lease.claimNumber, reason])
    }

    /// Whether `w` with its vitals `v` could be given something, as far as can be told without its lock; `$1` is the pause
    /// after a busy response of one that never heartbeats.
    private static let hasRoom = """
        \(isReachable) AND (v.last_busy_at IS NULL OR v.last_heartbeat_at > v.last_busy_at
            OR v.last_heartbeat_at IS NULL AND v.last_busy_at <= now() - make_interval(secs => $1))
          AND w.max_concurrent_tasks > CASE WHEN v.last_heartbeat_at IS NULL THEN 0 ELSE v.active_tasks END
          AND \(runsLess)
        """

    private static let isReachable =
        "w.status IN ('online', 'degraded', 'offline') AND (w.url <> '' OR w.forwarded_to IS NOT NULL)"
    private static let runsLess = """
        w.max_concurrent_tasks
          > (SELECT count(*) FROM a2a_queue r WHERE r.workspace_id = w.id AND r.status = 'dispatched')
        """
    /// A delegation's first dispatch waits for no report of its target's.
    private static let hasFirstDispatch = """
        EXISTS (SELECT FROM a2a_queue f WHERE f.workspace_id = w.id AND f.status = 'queued' AND f.first_dispatch
          AND (f.held_until IS NULL OR f.held_until <= now()))
        """

    /// In two steps and with an order, so that whatever the planner knows of the tables it looks at few rows of each.
    private static let waiting = Statement(
        "queue_waiting",
        """
        WITH free AS MATERIALIZED (
          SELECT w.id FROM unnest($2::uuid[]) AS wanted (id)
          JOIN workspaces w ON w.id = wanted.id
          LEFT JOIN workspace_vitals v ON v.workspace_id = w.id
          WHERE CASE WHEN \(hasRoom) THEN true ELSE \(hasFirstDispatch) END)
        SELECT id FROM free
        WHERE (SELECT true FROM a2a_queue q WHERE q.workspace_id = free.id AND q.status = 'queued'
            AND (q.held_until IS NULL OR q.held_until <= now())
          ORDER BY q.priority DESC, \(turn), q.id LIMIT 1)
        """)

    /// Those of the workspaces that a claim would do something for: most heartbeats find nothing that waits, most news of
    /// stored messages a busy target. A delegation's first dispatch is made there all the same, or put off.
    package func claimable(_ workspaces: [UUID], busyPause: Duration) async throws(PostgresError) -> [UUID] {
        try await postgres.query(Self.waiting, [busyPause.inSeconds, workspaces]).map { $0.uuid(0) }
    }

    /// The order is that of the index which is to serve it: planned before the table was ever analysed, it would read all
    /// that waits, in the order of the workspaces.
    package static let due = Statement(
        "queue_due",
        """
        WITH due AS MATERIALIZED (
          (SELECT workspace_id FROM a2a_queue
           WHERE status = 'queued' AND NOT waits_for_heartbeat
             AND available_at <= now() AND available_at > now() - make_interval(secs => $1)
           ORDER BY available_at)
          UNION ALL
          (SELECT workspace_id FROM a2a_queue
           WHERE status = 'queued' AND held_until <= now() AND held_until > now() - make_interval(secs => $1)
           ORDER BY held_until))
        SELECT DISTINCT workspace_id FROM due LIMIT 1000
        """)

    /// Workspaces with an item whose time came within the last `window`.
    package func due(within window: Duration) async throws(PostgresError) -> [UUID] {
        try await postgres.query(Self.due, [window.inSeconds]).map { $0.uuid(0) }
    }

    /// Steps from workspace to workspace through the index, however many items each has.
    private static let unnotified = Statement(
        "queue_unnotified",
        """
        WITH RECURSIVE waiting (id) AS (
          (SELECT workspace_id FROM a2a_queue WHERE status = 'queued' ORDER BY workspace_id LIMIT 1)
          UNION ALL
          SELECT (SELECT q.workspace_id FROM a2a_queue q WHERE q.status = 'queued' AND q.workspace_id > waiting.id
            ORDER BY q.workspace_id LIMIT 1)
          FROM waiting WHERE waiting.id IS NOT NULL)
        SELECT w.id, w.status = 'hibernated' FROM waiting
        JOIN workspaces w ON w.id = waiting.id
        LEFT JOIN workspace_vitals v ON v.workspace_id = w.id
        WHERE pg_try_advisory_xact_lock(7206)
          AND (w.status = 'hibernated' OR \(hasRoom) OR \(isReachable) AND \(runsLess) AND \(hasFirstDispatch))
        """)

    /// Workspaces with waiting items that have room, or sleep: what lost wake-ups, and the broker's outages, left behind,
    /// and what came while its target was falling asleep. One instance at a time gets a row.
    package func unnotified(busyPause: Duration) async throws(PostgresError) -> UnnotifiedTargets {
        let rows = try await postgres.query(Self.unnotified, [busyPause.inSeconds], deadline: .seconds(10))
        var unnotified = UnnotifiedTargets()
        try rows.forEach { row in
            if row.bool(1) { unnotified.asleep.append(row.uuid(0)) } else { unnotified.ready.append(row.uuid(0)) }
        }
        return unnotified
    }
}
