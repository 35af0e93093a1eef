import Postgres
import Testing
import TestSupport

/// Rows of every table that is pruned, some of which have to go. Each row says itself whether it has to go or to stay.
struct RetentionFixture: Sendable, CustomTestStringConvertible {
    /// The table's name in metrics.
    let name: String
    let table: String
    /// Takes `$1`, the number of rows of each kind.
    let fill: String
    /// Which of them have to go.
    let goes: String
    /// How many kinds have to go, and how many to stay.
    let kinds: (go: Int, stay: Int)

    var testDescription: String { name }

    func fill(_ pool: PostgresPool, _ count: Int) async throws {
        _ = try await pool.query(Statement("fill_\(name)", fill), [count], deadline: .seconds(120))
    }

    /// How many rows there are that have to go, and how many that have to stay.
    func count(_ pool: PostgresPool) async throws -> (go: Int, stay: Int) {
        let sql = "SELECT count(*) FILTER (WHERE \(goes)), count(*) FILTER (WHERE NOT (\(goes))) FROM \(table)"
        return try await pool.query(Statement("count_\(name)", sql)).only { ($0.int(0), $0.int(1)) }
    }

    static let all = [
        RetentionFixture(
            name: "events", table: "structure_events",
            fill: """
                WITH added AS (
                    INSERT INTO structure_events (type, source, created_at)
                    SELECT kind, 't', now() - make_interval(days => CASE kind WHEN 'fresh' THEN 13 ELSE 15 END)
                    FROM generate_series(1, $1) n, unnest(ARRAY['unpublished', 'old', 'fresh']) kind RETURNING sequence, type
                )
                SELECT count(*) FROM added
                """,
            goes: "type = 'old'", kinds: (1, 2)),
        RetentionFixture(
            name: "activity", table: "activity_logs",
            fill: """
                INSERT INTO activity_logs (workspace_id, activity_type, summary, created_at)
                SELECT md5((n % 300)::text)::uuid, CASE WHEN kind LIKE '%run' THEN 'cron_run' ELSE 'a2a_send' END, kind,
                    clock_timestamp() - make_interval(days => CASE WHEN kind LIKE 'old%' THEN 31 ELSE 29 END)
                FROM generate_series(1, $1) n, unnest(ARRAY['old', 'fresh', 'old run', 'fresh run']) kind
                """,
            goes: "summary LIKE 'old%'", kinds: (2, 2)),
        RetentionFixture(
            name: "queue_items", table: "a2a_queue",
            fill: """
                INSERT INTO a2a_queue (workspace_id, body, status, completed_at, schedule_id, run_recorded, last_error,
                    lease_owner, lease_until)
                SELECT gen_random_uuid(), '{}', status, CASE WHEN kind <> 'active' THEN
                        now() - make_interval(days => CASE kind WHEN 'fresh' THEN 6 ELSE 8 END) END,
                    CASE WHEN kind IN ('recorded', 'unrecorded') THEN gen_random_uuid() END, kind = 'recorded', kind, 'x', now()
                FROM generate_series(1, $1) n, (VALUES ('old', 'completed'), ('recorded', 'failed'),
                    ('unrecorded', 'dropped'), ('fresh', 'completed'), ('active', 'queued'), ('active', 'dispatched')
                ) AS k (kind, status)
                """,
            goes: "last_error IN ('old', 'recorded')", kinds: (2, 4)),
        RetentionFixture(
            name: "delegations", table: "delegations",
            fill: """
                INSERT INTO delegations (source_id, target_id, task, status, recorded, updated_at)
                SELECT gen_random_uuid(), gen_random_uuid(), kind, status, kind = 'kept by its agent',
                    now() - make_interval(days => CASE kind WHEN 'fresh' THEN 29 ELSE 31 END)
                FROM generate_series(1, $1) n, (VALUES ('old', 'completed'), ('old', 'failed'),
                    ('kept by its agent', 'dispatched'), ('fresh', 'completed'), ('open', 'queued')) AS k (kind, status)
                """,
            goes: "task IN ('old', 'kept by its agent')", kinds: (3, 2)),
        RetentionFixture(
            name: "idempotent_sends", table: "idempotent_sends",
            fill: """
                INSERT INTO idempotent_sends (caller, target_id, key, body_hash, status, lease_until, expires_at)
                SELECT kind, gen_random_uuid(), n, decode(repeat('00', 32), 'hex'), status,
                    CASE WHEN status = 'running' THEN now() + make_interval(mins => CASE kind WHEN 'old' THEN -1 ELSE 9 END) END,
                    now() - make_interval(mins => CASE kind WHEN 'fresh' THEN -1 ELSE 2 END)
                FROM generate_series(1, $1) n, (VALUES ('old', 'done'), ('old', 'running'), ('fresh', 'done'),
                    ('held', 'running')) AS k (kind, status)
                """,
            goes: "caller = 'old'", kinds: (2, 2)),
        // They are marked: their bytes go before their rows.
        RetentionFixture(
            name: "chat_files", table: "chat_files",
            fill: """
                INSERT INTO chat_files (workspace_id, stored_name, name, size, state, created_at)
                SELECT gen_random_uuid(), n, kind, 1, state,
                    now() - make_interval(days => CASE kind WHEN 'fresh' THEN 29 ELSE 31 END)
                FROM generate_series(1, $1) n, (VALUES ('old', 'stored'), ('fresh', 'stored'), ('open', 'pending'))
                    AS k (kind, state)
                """,
            goes: "name = 'old' AND state = 'stored'", kinds: (1, 3)),
        RetentionFixture(
            name: "activity_blocks", table: "activity_blocks",
            fill: """
                INSERT INTO activity_blocks (workspace_id, lower_at, lower_id, upper_at, upper_id, filter)
                SELECT gen_random_uuid(), now() - interval '32 days', gen_random_uuid(),
                    now() - make_interval(days => CASE kind WHEN 'fresh' THEN 29 ELSE 31 END), gen_random_uuid(),
                    convert_to(rpad(kind, 1024), 'UTF8')
                FROM generate_series(1, $1) n, unnest(ARRAY['old', 'fresh']) kind
                """,
            goes: "filter = convert_to(rpad('old', 1024), 'UTF8')", kinds: (1, 1)),
        RetentionFixture(
            name: "lifecycle_jobs", table: "lifecycle_jobs",
            fill: """
                INSERT INTO lifecycle_jobs (workspace_id, kind, reason, created_at, completed_at)
                SELECT gen_random_uuid(), 'start', kind, now() - interval '9 days', CASE WHEN kind <> 'open' THEN
                    now() - make_interval(days => CASE kind WHEN 'fresh' THEN 6 ELSE 8 END) END
                FROM generate_series(1, $1) n, unnest(ARRAY['old', 'fresh', 'open']) kind
                """,
            goes: "reason = 'old'", kinds: (1, 2)),
        RetentionFixture(
            name: "dead_messages", table: "dead_messages",
            fill: """
                INSERT INTO dead_messages (type, body, received_at)
                SELECT kind, 'x', now() - make_interval(days => CASE kind WHEN 'fresh' THEN 29 ELSE 31 END)
                FROM generate_series(1, $1) n, unnest(ARRAY['old', 'fresh']) kind
                """,
            goes: "type = 'old'", kinds: (1, 1)),
        RetentionFixture(
            name: "console_sessions", table: "console_sessions",
            fill: """
                INSERT INTO console_sessions (session_hash, credential_digest, expires_at)
                SELECT sha256((n || kind)::bytea), sha256('x'), now() - make_interval(hours => CASE kind WHEN 'fresh' THEN 23 ELSE 25 END)
                FROM generate_series(1, $1) n, unnest(ARRAY['old', 'fresh']) kind
                """,
            goes: "expires_at < now() - interval '24 hours'", kinds: (1, 1)),
        RetentionFixture(
            name: "workspace_tokens", table: "workspace_auth_tokens",
            fill: """
                WITH w AS (
                    INSERT INTO workspaces (id, name) SELECT md5('w' || n)::uuid, 'w' FROM generate_series(1, $1) n
                    RETURNING id
                )
                INSERT INTO workspace_auth_tokens (workspace_id, token_hash, prefix, created_at, revoked_at)
                SELECT id, sha256((id || kind)::bytea), rpad(kind, 8, '_'), now() - interval '90 days' + place * interval '1 h',
                    now() - make_interval(days => CASE kind WHEN 'fresh' THEN 29 ELSE 31 END)
                FROM w, unnest(ARRAY['old', 'fresh', 'newest']) WITH ORDINALITY AS k (kind, place)
                """,
            goes: "prefix = 'old_____'", kinds: (1, 2)),
        RetentionFixture(
            name: "org_tokens", table: "org_api_tokens",
            fill: """
                INSERT INTO org_api_tokens (name, token_hash, prefix, revoked_at)
                SELECT kind, sha256((n || kind)::bytea), '12345678', CASE WHEN kind <> 'live' THEN
                    now() - make_interval(days => CASE kind WHEN 'fresh' THEN 29 ELSE 31 END) END
                FROM generate_series(1, $1) n, unnest(ARRAY['old', 'fresh', 'live']) kind
                """,
            goes: "name = 'old'", kinds: (1, 2)),
        RetentionFixture(
            name: "orphan_sightings", table: "orphan_sightings",
            fill: """
                INSERT INTO orphan_sightings (kind, name, last_seen_at)
                SELECT 'volume', kind || n, now() - make_interval(days => CASE kind WHEN 'fresh' THEN 29 ELSE 31 END)
                FROM generate_series(1, $1) n, unnest(ARRAY['old', 'fresh']) kind
                """,
            goes: "name LIKE 'old%'", kinds: (1, 1)),
        RetentionFixture(
            name: "subsystem_ticks", table: "subsystem_ticks",
            fill: """
                INSERT INTO subsystem_ticks (name, instance, last_tick_at)
                SELECT kind || n, 'i', CASE WHEN kind <> 'never' THEN
                    now() - make_interval(days => CASE kind WHEN 'fresh' THEN 29 ELSE 31 END) END
                FROM generate_series(1, $1) n, unnest(ARRAY['old', 'fresh', 'never']) kind
                """,
            goes: "name LIKE 'old%'", kinds: (1, 2)),
        RetentionFixture(
            name: "audit_log", table: "audit_log",
            fill: """
                INSERT INTO audit_log (service, actor, via, action, request_id, client_ip, at)
                SELECT 's', 'admin', 'token', kind, n, '::1', now() - make_interval(days => CASE kind WHEN 'fresh' THEN 364 ELSE 366 END)
                FROM generate_series(1, $1) n, unnest(ARRAY['old', 'fresh']) kind
                """,
            goes: "action = 'old'", kinds: (1, 1)),
    ]
}
