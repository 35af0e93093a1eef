import Contracts
import EventOutbox
import Foundation
import Postgres

/// The statements of liveness. The truth is `workspace_vitals`, by the database's clock.
package struct LivenessStore: Sendable {
    let postgres: PostgresPool
    let source: String

    package init(postgres: PostgresPool, source: String) {
        self.postgres = postgres
        self.source = source
    }

    private static let lock = Statement(
        "liveness_lock", "SELECT pg_try_advisory_xact_lock(hashtextextended('switchyard liveness ' || $1, 0))")

    private static let readState = Statement(
        "liveness_state", "SELECT value FROM platform_state WHERE key = 'liveness.' || $1")

    private static let writeState = Statement(
        "liveness_remember",
        """
        INSERT INTO platform_state (key, value) VALUES ('liveness.' || $1, $2)
        ON CONFLICT (key) DO UPDATE SET value = $2, updated_at = now()
        """)

    /// The vitals are read once, without a join: only those of the late are looked up among the running, in an index. The
    /// newest heartbeat need not be found where there is one of the last 15 s.
    private static let observe = Statement(
        "liveness_observe",
        """
        WITH late AS MATERIALIZED (
            SELECT workspace_id, greatest(last_heartbeat_at, last_seen_at) AS sign FROM workspace_vitals
            WHERE coalesce(greatest(last_heartbeat_at, last_seen_at), '-infinity') < now() - make_interval(secs => $3)
        ), found AS (
            SELECT count(*) AS late, count(*) FILTER (WHERE
                greatest(late.sign, w.status_changed_at) < now() - make_interval(secs => $1)) AS silent
            FROM late JOIN workspaces w ON w.id = late.workspace_id
            WHERE w.status IN ('online', 'degraded') AND w.external = $2
                AND w.status_changed_at < now() - make_interval(secs => $3)
        ), fleet AS (
            SELECT count(*) FILTER (WHERE external = $2) AS running, count(*) AS fleet FROM workspaces
            WHERE status IN ('online', 'degraded')
        )
        SELECT now(), pg_postmaster_start_time(), running, late, silent, fleet, coalesce(
            (SELECT last_heartbeat_at FROM workspace_vitals WHERE last_heartbeat_at > now() - interval '15 s' LIMIT 1),
            (SELECT max(last_heartbeat_at) FROM workspace_vitals))
        FROM fleet, found
        """)

    /// Locks the vitals first: a heartbeat that is being written is skipped, and one that waits for the lock sees the
    /// flip and undoes it. A workspace that someone else is changing is skipped as well: a sweep that waits for nobody
    /// cannot meet anyone crosswise, and what it flips is as silent when it is locked as it was when it was seen.
    /// What we started is started anew.
    private static let takeOffline = Statement(
        "liveness_offline",
        """
        WITH silent AS (
            SELECT v.workspace_id FROM workspace_vitals v JOIN workspaces w ON w.id = v.workspace_id
            WHERE w.status IN ('online', 'degraded') AND w.external = $2
                AND greatest(v.last_heartbeat_at, v.last_seen_at, w.status_changed_at) < $1::timestamptz
            ORDER BY greatest(v.last_heartbeat_at, v.last_seen_at, w.status_changed_at)
            LIMIT $3 FOR UPDATE OF v SKIP LOCKED FOR NO KEY UPDATE OF w SKIP LOCKED
        ), flipped AS (
            UPDATE workspaces w SET status = 'offline', status_changed_at = now(), updated_at = now(),
                status_reason = $6
            FROM silent WHERE w.id = silent.workspace_id AND w.status IN ('online', 'degraded')
            RETURNING w.id, w.managed
        ), restart AS (
            INSERT INTO lifecycle_jobs (workspace_id, kind, reason)
            SELECT id, 'restart', $6 FROM flipped WHERE managed ORDER BY id
            ON CONFLICT DO NOTHING
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'workspace.offline', id, $4, $5::json FROM flipped
        RETURNING \(CommittedEvent.columns)
        """)

    private static let tell = Statement(
        "liveness_insert_event",
        """
        INSERT INTO structure_events (type, source, data) VALUES ($1, $2, $3) RETURNING \(CommittedEvent.columns)
        """)

    /// Why they are offline, in a sentence that clients see.
    private static let noSign = "no sign of life"

    /// Workspaces that one transaction takes offline at most.
    package static let batch = 5000

    /// What one pass did.
    package struct Outcome: Sendable {
        package var events: [CommittedEvent] = []
        package var offline = 0
        package var held: LivenessGuard.Reason?
        package var counts = GuardState.Counts(running: 0, late: 0, silent: 0)
    }

    /// One pass, in one transaction that only one instance at a time is in.
    ///
    /// - Parameter ttl: seconds without a sign of life.
    /// - Returns: `nil` when another instance is at it.
    package func sweep(_ scope: SweepScope, ttl: Double) async throws -> Outcome? {
        try await postgres.transaction(deadline: .seconds(30)) { transaction in
            guard try await transaction.query(Self.lock, [scope.rawValue]).only({ $0.bool(0) }) else { return nil }
            var before = try await state(scope, transaction)
            var seen = try await observe(scope, ttl, transaction)
            var outcome = Outcome()
            if let hand = before.handRelease {
                let released =
                    hand.isValid(at: seen.now, for: ttl)
                    ? try await take(Self.batch, silentAt: hand.at, scope, ttl, transaction) : []
                outcome.add(released)
                seen.take(released.count)
                if released.isEmpty { before.handRelease = nil }
            }
            let (decision, after) = LivenessGuard(period: ttl).decide(seen, before)
            outcome.held = decision.held
            outcome.counts = GuardState.Counts(running: seen.running, late: seen.late, silent: seen.silent)
            if decision.release > 0 {
                let count = min(decision.release, Self.batch)
                outcome.add(try await take(count, silentAt: seen.now, scope, ttl, transaction))
            }
            if let change = Self.change(before, after, decision, scope) {
                outcome.events += try await tell(change.type, change.data, transaction)
            }
            try await write(after, scope, transaction)
            return outcome
        }
    }

    /// Takes those offline that were silent at a moment, and still are, silent longest first.
    private func take(
        _ count: Int, silentAt moment: Date, _ scope: SweepScope, _ ttl: Double, _ transaction: Transaction
    ) async throws -> [CommittedEvent] {
        let data = try WireJSON.encode(WorkspaceOffline(reason: Self.noSign))
        let rows = try await transaction.query(
            Self.takeOffline,
            [moment.addingTimeInterval(-ttl), scope == .remote, count, source, data, Self.noSign])
        return try rows.compactMap { CommittedEvent(row: $0) }
    }

    private func observe(
        _ scope: SweepScope, _ ttl: Double, _ transaction: Transaction
    ) async throws -> LivenessGuard.Observation {
        let lateness = LivenessGuard(period: ttl).lateness
        return try await transaction.query(Self.observe, [ttl, scope == .remote, lateness]).only { row in
            LivenessGuard.Observation(
                now: row.date(0), databaseStartedAt: row.date(1), running: row.int(2), late: row.int(3),
                silent: row.int(4), fleet: row.int(5), newestHeartbeatAt: row.optionalDate(6))
        }
    }

    // MARK: - What is remembered

    private func state(_ scope: SweepScope, _ transaction: Transaction) async throws -> GuardState {
        let json = try await transaction.query(Self.readState, [scope.rawValue]).first { $0.bytes(0) }
        return Self.state(json)
    }

    private static func state(_ json: [UInt8]?) -> GuardState {
        // A state that an older version wrote otherwise starts anew, with one period of grace.
        json.flatMap { try? JSONDecoder().decode(GuardState.self, from: Data($0)) } ?? GuardState()
    }

    private func write(_ state: GuardState, _ scope: SweepScope, _ transaction: Transaction) async throws {
        _ = try await transaction.query(Self.writeState, [scope.rawValue, Array(try JSONEncoder().encode(state))])
    }

    /// What the guard remembers of a scope, as of the last pass.
    package func guardState(_ scope: SweepScope) async throws(PostgresError) -> GuardState {
        Self.state(try await postgres.query(Self.readState, [scope.rawValue]).first { $0.bytes(0) })
    }

    // MARK: - By hand

    private static let waitForLock = Statement(
        "liveness_wait_lock", locks: .requeue,
        "SELECT pg_advisory_xact_lock(hashtextextended('switchyard liveness ' || $1, 0))")

    /// Has those who are silent now taken offline by the next passes, within one period, whatever the guard says: an
    /// operator knows that they are dead. Those who are heard of before stay.
    ///
    /// - Parameter operator: which credential it was.
    /// - Returns: how many are silent, and the event; nothing is written when there are none.
    package func release(
        _ scope: SweepScope, ttl: Double, by operator: String
    ) async throws -> (released: Int, events: [CommittedEvent]) {
        try await postgres.transaction(deadline: .seconds(30)) { transaction in
            _ = try await transaction.query(Self.waitForLock, [scope.rawValue])
            let seen = try await observe(scope, ttl, transaction)
            guard seen.silent > 0 else { return (0, []) }
            var state = try await state(scope, transaction)
            state.handRelease = GuardState.ManualRelease(at: seen.now, by: `operator`)
            try await write(state, scope, transaction)
            let data = SweepGuardChanged(
                scope: scope, reason: "released by an operator", candidates: seen.silent, running: seen.running,
                by: `operator`)
            return (seen.silent, try await tell(.sweepReleased, data, transaction))
        }
    }

    // MARK: - Events

    /// What is told of a pass: that the guard began to hold back, or ended.
    private static func change(
        _ before: GuardState, _ after: GuardState, _ decision: LivenessGuard.Decision, _ scope: SweepScope
    ) -> (type: EventType, data: SweepGuardChanged)? {
        guard (before.heldSince == nil) != (after.heldSince == nil) else { return nil }
        let isHeld = after.heldSince != nil
        let data = SweepGuardChanged(
            scope: scope, reason: isHeld ? decision.held?.rawValue ?? "" : "the cause is over",
            candidates: after.counts?.silent ?? 0, running: after.counts?.running ?? 0)
        return (isHeld ? .sweepHeld : .sweepReleased, data)
    }

    private func tell(
        _ type: EventType, _ data: SweepGuardChanged, _ transaction: Transaction
    ) async throws -> [CommittedEvent] {
        try await transaction.query(Self.tell, [type.rawValue, source, try WireJSON.encode(data)])
            .compactMap { CommittedEvent(row: $0) }
    }
}

extension LivenessStore.Outcome {
    fileprivate mutating func add(_ taken: [CommittedEvent]) {
        events += taken
        offline += taken.count
    }
}

extension LivenessGuard.Observation {
    /// So many silent ones are offline already.
    fileprivate mutating func take(_ count: Int) {
        running -= count
        late -= count
        silent -= count
        fleet -= count
    }
}
