import Concurrency
import Postgres

/// A table of which the old rows go, with the statement that prunes one batch of it.
///
/// Its parameters are the number of rows, the bytes of their large columns, the position behind which to look, and the
/// ages in seconds. It gives one row: how many rows were examined, how many pruned, whether there is nothing old behind
/// them, and the new position. A position is what identifies a row in the order of an index, so that a batch costs the
/// same whether the table is short or long, and does not meet again what was pruned before it or has to stay.
package struct RetentionTable: Sendable {
    /// What metrics and the log call it.
    package let name: String
    let statement: Statement
    /// The position before everything.
    let beginning: [String]
    /// Seconds; nil for ever.
    let ages: [Double?]

    /// Tables of which something is to go.
    package static func all(_ settings: RetentionSettings) -> [RetentionTable] {
        let ended: [(String, Statement, Duration)] = [
            ("queue_items", queueItems, settings.queueItems), ("delegations", delegations, settings.delegations),
            ("idempotent_sends", idempotentSends, settings.idempotentSends),
            ("chat_files", chatFiles, settings.chatFiles),
            ("activity_blocks", activityBlocks, settings.activity),
            ("lifecycle_jobs", lifecycleJobs, settings.lifecycleJobs),
            ("dead_messages", deadMessages, settings.deadMessages),
            ("console_sessions", consoleSessions, settings.consoleSessions),
            ("workspace_tokens", workspaceTokens, settings.revokedTokens),
            ("org_tokens", orgTokens, settings.revokedTokens),
            ("orphan_sightings", orphanSightings, settings.orphanSightings),
            ("subsystem_ticks", subsystemTicks, settings.subsystemTicks),
            ("audit_log", auditLog, settings.auditLog),
        ]
        let tables =
            [
                RetentionTable(
                    name: "events", statement: events, beginning: ["0"], ages: [settings.events.age]),
                RetentionTable(
                    name: "activity", statement: activity, beginning: [noUUID, "-infinity", noUUID],
                    ages: [settings.activity.age, settings.scheduleHistory.age]),
            ]
            + ended.map { name, statement, age in
                RetentionTable(name: name, statement: statement, beginning: ["-infinity", "(0,0)"], ages: [age.age])
            }
        return tables.filter { $0.ages.contains { $0 != nil } }
    }

    private static let noUUID = "00000000-0000-0000-0000-000000000000"
}

extension Duration {
    /// Seconds; nil for none, which means for ever.
    fileprivate var age: Double? {
        inSeconds > 0 ? inSeconds : nil
    }
}

extension RetentionTable {
    /// In the order of the sequence, which is that of time but for transactions that overlapped: what is left behind for
    /// a piece of the log that is fresh as a whole, goes some time later. The floor of the log rises in the same
    /// transaction, so that nobody resumes before a gap. What is unpublished stays, and does not stop the others.
    static let events = Statement(
        "retention_events",
        """
        WITH found AS MATERIALIZED (
            SELECT e.sequence, pg_column_size(e.data) AS bytes,
                e.created_at < now() - make_interval(secs => $4) AS is_old
            FROM structure_events e WHERE e.sequence > $3::bigint ORDER BY e.sequence LIMIT $1
        ), piece AS MATERIALIZED (
            SELECT sequence, is_old FROM (
                SELECT *, sum(bytes) OVER (ORDER BY sequence ROWS UNBOUNDED PRECEDING) - bytes AS before FROM found
            ) AS measured WHERE before < $2
        ), pruned AS (
            DELETE FROM structure_events e USING piece
            WHERE e.sequence = piece.sequence AND piece.is_old
                -- Looked up one by one: joined by a plan that was made while the outbox was empty, it would be read as a
                -- whole for each of them.
                AND (SELECT o.sequence FROM event_outbox o WHERE o.sequence = piece.sequence) IS NULL
            RETURNING e.transaction_id, e.sequence
        ), risen AS (
            UPDATE event_log_floor f SET transaction_id = last.transaction_id, sequence = last.sequence
            FROM (SELECT * FROM pruned ORDER BY transaction_id DESC, sequence DESC LIMIT 1) AS last
            WHERE f.is_only AND (f.transaction_id, f.sequence) < (last.transaction_id, last.sequence)
        )
        SELECT (SELECT count(*) FROM piece), (SELECT count(*) FROM pruned),
            NOT EXISTS (SELECT FROM piece WHERE is_old) OR (SELECT count(*) FROM piece) < $1
                AND (SELECT count(*) FROM piece) = (SELECT count(*) FROM found),
            (SELECT max(sequence)::text FROM piece)
        """)

    /// From workspace to workspace through the primary key, and of each the oldest rows: the feed is written too often for
    /// an index that serves nothing else. Runs of schedules have an age of their own.
    static let activity = Statement(
        "retention_activity",
        """
        WITH RECURSIVE visited (id, number) AS (
            (SELECT workspace_id, 1 FROM activity_logs WHERE workspace_id >= $3::uuid ORDER BY workspace_id LIMIT 1)
            UNION ALL
            SELECT (SELECT a.workspace_id FROM activity_logs a WHERE a.workspace_id > v.id
                ORDER BY a.workspace_id LIMIT 1), v.number + 1
            FROM visited v WHERE v.id IS NOT NULL AND v.number < 200
        ), found AS MATERIALIZED (
            SELECT a.* FROM visited v CROSS JOIN LATERAL (
                SELECT l.ctid AS place, l.workspace_id, l.created_at, l.id,
                    coalesce(pg_column_size(l.request_body), 0) + coalesce(pg_column_size(l.response_body), 0)
                        + coalesce(pg_column_size(l.tool_trace), 0) AS bytes,
                    l.created_at < now() - make_interval(
                        secs => CASE l.activity_type WHEN 'cron_run' THEN $7::float8 ELSE $6::float8 END) AS is_old
                FROM activity_logs l
                WHERE l.workspace_id = v.id AND l.created_at < now() - make_interval(secs => least($6::float8, $7::float8))
                    AND (l.workspace_id, l.created_at, l.id) > ($3::uuid, $4::timestamptz, $5::uuid)
                ORDER BY l.workspace_id, l.created_at, l.id LIMIT $1
            ) AS a LIMIT $1
        ), piece AS MATERIALIZED (
            SELECT * FROM (
                SELECT *, sum(bytes) OVER (ORDER BY workspace_id, created_at, id ROWS UNBOUNDED PRECEDING) - bytes
                    AS before FROM found
            ) AS measured WHERE before < $2
        ), locked AS MATERIALIZED (
            SELECT ctid AS place FROM activity_logs WHERE ctid = ANY (ARRAY(SELECT place FROM piece WHERE is_old))
            FOR UPDATE SKIP LOCKED
        ), pruned AS (
            DELETE FROM activity_logs WHERE ctid = ANY (ARRAY(SELECT place FROM locked)) RETURNING 1
        ), counts AS (
            SELECT (SELECT count(*) FROM piece) AS examined, (SELECT count(*) FROM pruned) AS pruned,
                -- Else it ended in the midst of a workspace.
                (SELECT count(*) FROM piece) < $1 AND (SELECT count(*) FROM piece) = (SELECT count(*) FROM found)
                    AS is_whole
        ), last AS (
            SELECT p.workspace_id, p.created_at, p.id FROM piece p, counts WHERE NOT is_whole
            UNION ALL
            SELECT v.id, 'infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff' FROM visited v, counts
            WHERE is_whole AND v.id IS NOT NULL
            ORDER BY workspace_id DESC, created_at DESC, id DESC LIMIT 1
        )
        SELECT examined, pruned,
            is_whole AND (SELECT count(*) FROM visited WHERE id IS NOT NULL) < 200,
            last.workspace_id::text, last.created_at::text, last.id::text
        FROM counts LEFT JOIN last ON true
        """)

    /// Rows of a table in the order of the time from which their age counts.
    ///
    /// A row is deleted by its place, which is good for the statement that has locked it. What somebody else has locked is
    /// met again in the next run.
    ///
    /// - Parameters:
    ///   - time: the column, first in an index.
    ///   - rows: the condition of that index.
    ///   - bytes: of large columns, compressed; it reads none of them.
    ///   - condition: what else must be true of a row that goes.
    ///   - change: what is done to it instead of deleting it, and takes it out of that index.
    private static func ended(
        _ name: String, _ table: String, by time: String, rows: String = "true", bytes: [String] = [],
        if condition: String = "true", change: String? = nil
    ) -> Statement {
        let prune = change.map { "UPDATE \(table) SET \($0)" } ?? "DELETE FROM \(table)"
        let size = (["0"] + bytes.map { "coalesce(pg_column_size(\($0)), 0)" }).joined(separator: " + ")
        return Statement(
            name,
            """
            WITH found AS MATERIALIZED (
                SELECT t.ctid AS place, t.\(time) AS at, \(size) AS bytes, (\(condition)) AS goes
                FROM \(table) t WHERE t.\(time) < now() - make_interval(secs => $5) AND (\(rows))
                    AND (t.\(time), t.ctid) > ($3::timestamptz, $4::tid)
                ORDER BY t.\(time), t.ctid LIMIT $1
            ), piece AS MATERIALIZED (
                SELECT * FROM (
                    SELECT *, sum(bytes) OVER (ORDER BY at, place ROWS UNBOUNDED PRECEDING) - bytes AS before FROM found
                ) AS measured WHERE before < $2
            ), locked AS MATERIALIZED (
                SELECT t.ctid AS place FROM \(table) t WHERE t.ctid = ANY (ARRAY(SELECT place FROM piece WHERE goes))
                FOR UPDATE SKIP LOCKED
            ), pruned AS (
                \(prune) WHERE ctid = ANY (ARRAY(SELECT place FROM locked)) RETURNING 1
            ), last AS (
                SELECT at, place FROM piece ORDER BY at DESC, place DESC LIMIT 1
            )
            SELECT (SELECT count(*) FROM piece), (SELECT count(*) FROM pruned),
                (SELECT count(*) FROM piece) < $1 AND (SELECT count(*) FROM piece) = (SELECT count(*) FROM found),
                (SELECT at::text FROM last), (SELECT place::text FROM last)
            """)
    }

    /// A run of a schedule stays until the scheduler has taken note of how it ended.
    private static let queueItems = ended(
        "retention_queue_items", "a2a_queue", by: "completed_at",
        rows: "t.status IN ('completed', 'dropped', 'failed')",
        bytes: ["t.body", "t.response", "t.response_bytes"], if: "t.schedule_id IS NULL OR t.run_recorded")

    /// What an agent keeps itself has no message that ends it.
    private static let delegations = ended(
        "retention_delegations", "delegations", by: "updated_at",
        rows: "t.status IN ('completed', 'failed') OR t.recorded", bytes: ["t.task", "t.response"])

    /// The notifier, which can reach the bytes, removes them and then the rows.
    private static let chatFiles = ended(
        "retention_chat_files", "chat_files", by: "created_at", rows: "t.state = 'stored'", change: "state = 'doomed'")

    /// What a search knows of pieces of the feed goes with them. Rows that outlive it are read by searches again.
    private static let activityBlocks = ended(
        "retention_activity_blocks", "activity_blocks", by: "upper_at", bytes: ["t.filter"])

    private static let idempotentSends = ended(
        "retention_idempotent_sends", "idempotent_sends", by: "expires_at",
        bytes: ["t.response_body", "t.response_bytes"],
        if: "t.status <> 'running' OR t.lease_until IS NULL OR t.lease_until < now()")

    private static let lifecycleJobs = ended("retention_lifecycle_jobs", "lifecycle_jobs", by: "completed_at")

    private static let deadMessages = ended(
        "retention_dead_messages", "dead_messages", by: "received_at", bytes: ["t.body", "t.headers"])

    /// One that was revoked goes when it would have expired.
    private static let consoleSessions = ended("retention_console_sessions", "console_sessions", by: "expires_at")

    /// A workspace that ever had a token must present a live one: its newest row, revoked or not, says that it had.
    private static let workspaceTokens = ended(
        "retention_workspace_tokens", "workspace_auth_tokens", by: "revoked_at",
        if: """
            EXISTS (SELECT FROM workspace_auth_tokens n WHERE n.workspace_id = t.workspace_id
                AND (n.created_at, n.id) > (t.created_at, t.id))
            """)

    private static let orgTokens = ended("retention_org_tokens", "org_api_tokens", by: "revoked_at")

    private static let orphanSightings = ended("retention_orphan_sightings", "orphan_sightings", by: "last_seen_at")

    private static let auditLog = ended("retention_audit_log", "audit_log", by: "at")

    private static let subsystemTicks = ended("retention_subsystem_ticks", "subsystem_ticks", by: "last_tick_at")
}
