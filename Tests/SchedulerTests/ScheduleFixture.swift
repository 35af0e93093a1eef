import Foundation
import Postgres
import Scheduler
import TestSupport
import UVLoop

/// A database of its own with workspaces and schedules, and the stores under test.
struct ScheduleFixture: Sendable {
    static let source = "switchyard/scheduler"

    let postgres: PostgresPool
    let schedules: ScheduleStore
    let firing: FiringStore
    let outcomes: OutcomeStore
    let manual: ManualRunStore

    /// Runs a test with a fixture.
    static func with(_ body: (ScheduleFixture) async throws -> Void) async throws {
        try await withMigratedPool("schedules") { pool in
            try await body(
                ScheduleFixture(
                    postgres: pool, schedules: ScheduleStore(postgres: pool, source: source),
                    firing: FiringStore(postgres: pool, source: source),
                    outcomes: OutcomeStore(postgres: pool, source: source),
                    manual: ManualRunStore(postgres: pool, source: source)))
        }
    }

    private static let makeWorkspace = Statement(
        "test_workspace",
        """
        WITH made AS (
            INSERT INTO workspaces (id, name, status, url) VALUES ($1, 'w', $2::workspace_status, 'http://agent.example')
            RETURNING id)
        INSERT INTO workspace_vitals (workspace_id, last_heartbeat_at) SELECT id, now() FROM made
        """)

    func workspace(_ status: String = "online") async throws -> UUID {
        let id = UUID()
        _ = try await postgres.query(Self.makeWorkspace, [id, status])
        return id
    }

    private static let makeSchedule = Statement(
        "test_schedule",
        """
        INSERT INTO workspace_schedules (id, workspace_id, name, cron_expr, prompt, overlap, missed, next_run_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, now() - make_interval(secs => $8))
        """)

    /// A schedule that is due, and by its expression will not be again while a test runs.
    ///
    /// - Parameter late: seconds since its slot.
    func due(
        _ workspace: UUID, name: String = "", expression: String = "0 0 1 1 *", prompt: String = "say hello",
        overlap: String = "skip", missed: String = "once", late: Double = 0.1
    ) async throws -> UUID {
        let id = UUID()
        _ = try await postgres.query(
            Self.makeSchedule, [id, workspace, name, expression, prompt, overlap, missed, late])
        return id
    }

    /// Its time has come again.
    func makeDue(_ schedule: UUID) async throws {
        try await sql("UPDATE workspace_schedules SET next_run_at = now() - interval '100 ms' WHERE id = '\(schedule)'")
    }

    /// Ends the runs of a schedule that are in the queue, as the proxy does.
    func end(_ schedule: UUID, as status: String = "completed", response: String? = nil, error: String? = nil)
        async throws
    {
        _ = try await postgres.query(
            Statement(
                "test_end",
                """
                UPDATE a2a_queue SET status = $2, response = $3, last_error = $4, completed_at = now(),
                    dispatched_at = now() - interval '2 seconds', lease_owner = NULL, lease_until = NULL
                WHERE schedule_id = $1 AND status IN ('queued', 'dispatched')
                """), [schedule, status, response, error])
    }

    /// The database refuses all further rows of a workspace in a table.
    func refuse(_ workspace: UUID, in table: String) async throws {
        try await sql(
            """
            CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF NEW.workspace_id = '\(workspace)' THEN RAISE EXCEPTION 'not this one'; END IF;
                RETURN NEW;
            END $$
            """)
        try await sql("CREATE TRIGGER refuse BEFORE INSERT ON \(table) FOR EACH ROW EXECUTE FUNCTION refuse()")
    }

    /// Plain SQL; the first column of the first row as text.
    @discardableResult
    func sql(_ text: String) async throws -> String? {
        let rows = try await postgres.query(Statement("", text))
        return rows.first.flatMap { $0.optionalString(0) }
    }

    func count(_ from: String) async throws -> Int {
        Int(try await sql("SELECT count(*) FROM \(from)") ?? "") ?? -1
    }

    /// `last_status`, `last_error` and `run_count` of a schedule, with bars between.
    func last(_ schedule: UUID) async throws -> String? {
        try await sql(
            """
            SELECT concat_ws('|', coalesce(last_status, '-'), coalesce(last_error, '-'), run_count)
            FROM workspace_schedules WHERE id = '\(schedule)'
            """)
    }
}
