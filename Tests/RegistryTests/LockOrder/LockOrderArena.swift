import Contracts
import Foundation
import Postgres
import TestSupport

/// A small tree of workspaces, with all that writers fight about, on a database of its own.
struct LockOrderArena: Sendable {
    let pool: PostgresPool
    /// A root, its two children, a grandchild and another root.
    let ids: [UUID]
    let tokens: [UUID]
    let items: [UUID]
    let delegations: [UUID]
    let jobs: [UUID]
    let schedules: [UUID]

    init(pool: PostgresPool) {
        self.pool = pool
        ids = (0..<5).map { _ in UUID() }
        tokens = ids.map { _ in UUID() }
        items = ids.map { _ in UUID() }
        delegations = ids.map { _ in UUID() }
        jobs = ids.map { _ in UUID() }
        schedules = ids.map { _ in UUID() }
    }

    private static let clear = [
        "DELETE FROM a2a_queue", "DELETE FROM delegations", "DELETE FROM lifecycle_jobs",
        "DELETE FROM workspaces WHERE name <> 'filler'",
    ].enumerated().map { Statement("test_clear_\($0.offset)", $0.element) }

    private static let workspaces = Statement(
        "test_workspaces",
        """
        WITH w AS (
            INSERT INTO workspaces (id, name, status, url, parent_id, managed, agent_card, forwarded_to)
            SELECT id, 'w', 'online', 'http://8.8.8.8', parent, true, '{}', forwarded
            FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS w (id, parent, forwarded) RETURNING id
        ), v AS (
            INSERT INTO workspace_vitals (workspace_id, last_heartbeat_at, last_seen_at)
            SELECT id, now() - interval '1 hour', now() - interval '1 hour' FROM w
        )
        INSERT INTO workspace_auth_tokens (id, workspace_id, token_hash, prefix)
        SELECT t.token, t.id, sha256(t.token::text::bytea), 'prefix--'
        FROM unnest($1::uuid[], $4::uuid[]) AS t (id, token) JOIN w ON w.id = t.id
        """)

    /// Some starts are running, some wait.
    private static let belongings = Statement(
        "test_belongings",
        """
        WITH i AS (
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[]) WITH ORDINALITY
                AS i (id, item, delegation, job, source, n)
        ), item AS (
            INSERT INTO a2a_queue (id, workspace_id, caller_id, body, delegation_id)
            SELECT item, id, source, '{}', delegation FROM i
        ), job AS (
            INSERT INTO lifecycle_jobs (id, workspace_id, kind, lease_owner, lease_until, claim_number)
            SELECT job, id, 'restart', CASE WHEN n < 4 THEN 'test' END,
                CASE WHEN n < 4 THEN now() + interval '1 minute' END, (n < 4)::int FROM i
        )
        INSERT INTO delegations (id, source_id, target_id, task, queue_id)
        SELECT delegation, source, id, 't', item FROM i
        """)

    /// Each is due, has a run that ended and one that waits.
    private static let schedules = Statement(
        "test_schedules",
        """
        WITH s AS (
            INSERT INTO workspace_schedules (id, workspace_id, cron_expr, prompt, overlap, next_run_at)
            SELECT schedule, id, '@every 1s', 'p', 'queue', now() - interval '1 second'
            FROM unnest($1::uuid[], $2::uuid[]) AS i (id, schedule) RETURNING id, workspace_id
        )
        INSERT INTO a2a_queue (workspace_id, body, schedule_id, status, completed_at)
        SELECT workspace_id, '{}', id, status, CASE WHEN status = 'completed' THEN now() END
        FROM s CROSS JOIN (VALUES ('completed'), ('queued')) AS run (status)
        """)

    private static let filler = [
        """
        INSERT INTO workspaces (id, name, status)
        SELECT gen_random_uuid(), 'filler', 'paused' FROM generate_series(1, 3000)
        """,
        "INSERT INTO workspace_vitals (workspace_id) SELECT id FROM workspaces",
    ].enumerated().map { Statement("test_filler_\($0.offset)", $0.element) }
    private static let analyze = Statement("test_analyze", "ANALYZE workspaces, workspace_vitals")

    /// Makes the tables as large as those of a fleet, so that the statements have the plans that they are to have.
    func fill() async throws {
        for statement in Self.filler { _ = try await pool.query(statement) }
        _ = try await pool.query(Self.analyze)
    }

    /// Everything as it was, whatever became of it.
    func reset() async throws {
        for statement in Self.clear { _ = try await pool.query(statement) }
        let parents: [UUID?] = [nil, ids[0], ids[0], ids[1], nil]
        let forwarded: [UUID?] = [nil, nil, nil, nil, ids[0]]
        _ = try await pool.query(Self.workspaces, [ids, parents, forwarded, tokens])
        let sources = ids.indices.map { ids[($0 + 1) % ids.count] }
        _ = try await pool.query(Self.belongings, [ids, items, delegations, jobs, sources])
        _ = try await pool.query(Self.schedules, [ids, schedules])
    }

    private static let deadlocks = Statement(
        "test_deadlocks", "SELECT deadlocks FROM pg_stat_database WHERE datname = $1")
    private static let database = Statement("test_database", "SELECT current_database()")

    func database() async throws -> String {
        try await pool.query(Self.database)[0].string(0)
    }

    private static let sessions = Statement(
        "test_sessions", "SELECT count(*) FROM pg_stat_activity WHERE datname = $1")

    static func sessions(in database: String, _ pool: PostgresPool) async throws -> Int {
        try await pool.query(sessions, [database])[0].int(0)
    }

    /// How many deadlocks the server found in a database. Its sessions report when they end: read it after that.
    static func deadlocks(in database: String, _ pool: PostgresPool) async throws -> Int {
        try await pool.query(deadlocks, [database])[0].int(0)
    }
}
