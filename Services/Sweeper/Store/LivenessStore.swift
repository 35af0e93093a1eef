import Contracts
import EventOutbox
import Foundation
import JSONBytes
import PostgresClient

/// Whose silence a pass looks at.
package enum LivenessScope: String, Sendable {
    /// Workspaces with a container or machine of ours.
    case ours
    /// `external` ones.
    case remote
}

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

    private static let observe = Statement(
        "liveness_observe",
        """
        SELECT count(*), count(*) FILTER (WHERE
                greatest(v.last_heartbeat_at, v.last_seen_at, w.status_changed_at) < now() - make_interval(secs => $1)),
            max(v.last_heartbeat_at), now(), pg_postmaster_start_time()
        FROM workspaces w JOIN workspace_vitals v ON v.workspace_id = w.id
        WHERE w.status IN ('online', 'degraded') AND w.external = $2
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
                AND greatest(v.last_heartbeat_at, v.last_seen_at, w.status_changed_at)
                    < now() - make_interval(secs => $1)
            ORDER BY greatest(v.last_heartbeat_at, v.last_seen_at, w.status_changed_at)
            LIMIT $3 FOR UPDATE OF v SKIP LOCKED FOR NO KEY UPDATE OF w SKIP LOCKED
        ), flipped AS (
            UPDATE workspaces w SET status = 'offline', status_changed_at = now(), updated_at = now(),
                status_reason = 'no sign of life'
            FROM silent WHERE w.id = silent.workspace_id AND w.status IN ('online', 'degraded')
            RETURNING w.id, w.url_provisioned
        ), restart AS (
            INSERT INTO lifecycle_jobs (workspace_id, kind, reason)
            SELECT id, 'restart', 'no sign of life' FROM flipped WHERE url_provisioned ORDER BY id
            ON CONFLICT DO NOTHING
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'workspace.offline', id, $4, '{"reason":"no sign of life"}' FROM flipped
        RETURNING \(CommittedEvent.columns)
        """)

    private static let tell = Statement(
        "liveness_tell",
        """
        INSERT INTO structure_events (type, source, data) VALUES ($1, $2, $3) RETURNING \(CommittedEvent.columns)
        """)

    /// What one pass did.
    package struct Outcome: Sendable {
        package var events: [CommittedEvent] = []
        package var offline = 0
        package var held: LivenessGuard.Reason?
    }

    /// One pass, in one transaction that only one instance at a time is in.
    ///
    /// - Parameter ttl: seconds without a sign of life.
    /// - Returns: `nil` when another instance is at it.
    package func sweep(_ scope: LivenessScope, ttl: Double) async throws -> Outcome? {
        try await postgres.transaction(deadline: .seconds(30)) { transaction in
            guard try await transaction.query(Self.lock, [scope.rawValue]).only({ $0.bool(0) }) else { return nil }
            let isRemote = scope == .remote
            let seen = try await transaction.query(Self.observe, [ttl, isRemote]).only { row in
                LivenessGuard.Observation(
                    now: row.date(3), databaseStartedAt: row.date(4), running: row.int(0), silent: row.int(1),
                    newestHeartbeatAt: row.optionalDate(2))
            }
            let before = try await state(scope, transaction)
            let (decision, after) = LivenessGuard(period: ttl).decide(seen, before)
            var outcome = Outcome(held: decision.held)
            if decision.release > 0 {
                let rows = try await transaction.query(Self.takeOffline, [ttl, isRemote, decision.release, source])
                outcome.events = try rows.compactMap { CommittedEvent(row: $0) }
                outcome.offline = rows.count
            }
            if let told = try await tellChange(before, after, decision, scope, transaction) {
                outcome.events.append(told)
            }
            let json = try JSONEncoder().encode(after)
            _ = try await transaction.query(Self.writeState, [scope.rawValue, Array(json)])
            return outcome
        }
    }

    private func state(_ scope: LivenessScope, _ transaction: Transaction) async throws -> LivenessGuard.State {
        let json = try await transaction.query(Self.readState, [scope.rawValue]).first { $0.bytes(0) }
        // A state that an older version wrote otherwise starts anew, with one period of grace.
        return json.flatMap { try? JSONDecoder().decode(LivenessGuard.State.self, from: Data($0)) }
            ?? LivenessGuard.State()
    }

    private func tellChange(
        _ before: LivenessGuard.State, _ after: LivenessGuard.State, _ decision: LivenessGuard.Decision,
        _ scope: LivenessScope, _ transaction: Transaction
    ) async throws -> CommittedEvent? {
        guard (before.heldSince == nil) != (after.heldSince == nil) else { return nil }
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("scope", scope.rawValue)
            writer.member("reason", ifPresent: decision.held?.rawValue)
        }
        let type: EventType = after.heldSince == nil ? .sweepReleased : .sweepHeld
        return try await transaction.query(Self.tell, [type.rawValue, source, writer.bytes]).first {
            CommittedEvent(row: $0)
        }
    }
}
