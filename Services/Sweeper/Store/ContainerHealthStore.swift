import Contracts
import EventOutbox
import Foundation
import Postgres

/// The statements about workspaces whose container should run.
package struct ContainerHealthStore: Sendable {
    let postgres: PostgresPool
    let source: String

    package init(postgres: PostgresPool, source: String) {
        self.postgres = postgres
        self.source = source
    }

    /// Workspaces of one statement.
    package static let page = 1000

    package static let reason = "container not running"

    /// Runs in a container of ours, as far as the row tells, and nobody is at work on it.
    private static let shouldRun = """
        w.status IN ('online', 'degraded') AND w.managed AND NOT w.external
            AND NOT EXISTS (
                SELECT FROM lifecycle_jobs j WHERE j.workspace_id = w.id AND j.completed_at IS NULL)
        """

    private static let expected = Statement(
        "container_expected",
        """
        SELECT w.id FROM workspaces w WHERE \(shouldRun) AND w.id > $1
        ORDER BY w.id LIMIT $2
        """)

    private static let clock = Statement("container_clock", "SELECT clock_timestamp()")

    /// The workspaces whose container should run, and when that was looked up.
    package func expected() async throws(PostgresError) -> (ids: [UUID], at: Date) {
        let time = try await postgres.query(Self.clock).only { $0.date(0) }
        var ids: [UUID] = []
        while true {
            // A condition that may be absent could not be looked up in the index: the first page begins after the smallest id.
            let page = try await postgres.query(Self.expected, [ids.last ?? Self.smallest, Self.page]).map {
                $0.uuid(0)
            }
            ids += page
            if page.count < Self.page { return (ids, time) }
        }
    }

    private static let smallest = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    private static let readStates = Statement(
        "container_states",
        """
        SELECT clock_timestamp(), (SELECT value FROM platform_state WHERE key = 'containers'),
            (SELECT value FROM platform_state WHERE key = 'liveness.ours')
        """)

    private static let writeState = Statement(
        "container_remember",
        """
        INSERT INTO platform_state (key, value) VALUES ('containers', $1)
        ON CONFLICT (key) DO UPDATE SET value = $1, updated_at = now()
        """)

    /// What ``ContainerHealthRule`` decides, with what it and the liveness guard remember. For whoever has the lease.
    package func decide(gone: Int, of expected: Int, period: TimeInterval) async throws -> ContainerHealthRule.Decision
    {
        let found = try await postgres.query(Self.readStates).only {
            (now: $0.date(0), own: $0.optionalBytes(1), liveness: $0.optionalBytes(2))
        }
        // A state that an older version wrote otherwise starts anew.
        let before = found.own.flatMap { try? JSONDecoder().decode(ContainerHealthRule.State.self, from: Data($0)) }
        let liveness = found.liveness.flatMap { try? JSONDecoder().decode(GuardState.self, from: Data($0)) }
        let decision = ContainerHealthRule.decide(
            gone: gone, of: expected, liveness: liveness, before ?? ContainerHealthRule.State(), now: found.now,
            period: period)
        if decision.state != before {
            _ = try await postgres.query(Self.writeState, [Array(try JSONEncoder().encode(decision.state))])
        }
        return decision
    }

    /// Whatever changed since the workspaces were looked up says more than an engine that was asked in between: a start goes
    /// through `provisioning`.
    private static let markOffline = Statement(
        "container_mark_unreachable",
        """
        WITH lost AS MATERIALIZED (
            SELECT w.id FROM workspaces w
            WHERE w.id = ANY ($1) AND w.status_changed_at <= $2 AND \(shouldRun)
                AND NOT EXISTS (
                    SELECT FROM workspace_vitals v WHERE v.workspace_id = w.id
                        AND greatest(v.last_heartbeat_at, v.last_seen_at) > now() - make_interval(secs => $3))
            ORDER BY w.id FOR NO KEY UPDATE OF w SKIP LOCKED
        ), flipped AS (
            UPDATE workspaces w SET status = 'offline', status_reason = $4, status_changed_at = now(), updated_at = now()
            FROM lost WHERE w.id = lost.id RETURNING w.id
        ), job AS (
            INSERT INTO lifecycle_jobs (workspace_id, kind, reason) SELECT id, 'restart', $4 FROM flipped ORDER BY id
            ON CONFLICT DO NOTHING
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT $5, id, $6, $7::json FROM flipped RETURNING \(CommittedEvent.columns)
        """)

    /// Takes workspaces offline whose container is gone, and asks for their restart.
    ///
    /// - Parameters:
    ///   - time: when they were looked up, by the database's clock.
    ///   - silence: seconds for which they must have been silent.
    package func markOffline(_ ids: [UUID], seenAt time: Date, silence: Double) async throws -> [CommittedEvent] {
        let data = try WireJSON.encode(WorkspaceOffline(reason: Self.reason))
        return try await postgres.query(
            Self.markOffline, [ids, time, silence, Self.reason, EventType.workspaceOffline.rawValue, source, data]
        ).compactMap { CommittedEvent(row: $0) }
    }
}
