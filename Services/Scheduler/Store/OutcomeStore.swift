import Contracts
import EventOutbox
import Foundation
import PostgresClient

/// What one look at ended runs came to.
package struct Recorded: Sendable {
    package var records: [RunRecord] = []
    package var events: [CommittedEvent] = []
    /// Runs that were looked at.
    package var count = 0
}

/// The statements that write how runs ended: into their schedules and their history.
package struct OutcomeStore: Sendable {
    private let postgres: PostgresPool
    private let log: RunLog

    package init(postgres: PostgresPool, source: String) {
        self.postgres = postgres
        log = RunLog(source: source)
    }

    /// Runs of one look. Their responses are cut to what ``RunOutcome`` looks at.
    package static let batch = 200
    private static let deadline: Duration = .seconds(20)

    /// The items are locked before their schedules, as by everyone. In the order in which the runs ended.
    private static let ended = Statement(
        "runs_ended",
        """
        SELECT q.id, q.schedule_id, q.workspace_id, q.status, q.last_error,
            CASE WHEN octet_length(q.response) <= $2 THEN q.response END, q.response IS NULL,
            q.expires_at <= q.completed_at, q.enqueued_at,
            CASE WHEN q.status <> 'dropped'
                THEN (extract(epoch FROM q.completed_at - q.dispatched_at) * 1000)::bigint END, q.run_is_manual,
            w.status, coalesce(v.active_tasks, 0), now(), q.attempts + q.deliveries > 0
        FROM a2a_queue q LEFT JOIN workspaces w ON w.id = q.workspace_id
        LEFT JOIN workspace_vitals v ON v.workspace_id = q.workspace_id
        WHERE q.schedule_id IS NOT NULL AND NOT q.run_recorded AND q.status IN ('completed', 'dropped', 'failed')
        ORDER BY q.completed_at, q.id LIMIT $1 FOR UPDATE OF q SKIP LOCKED
        """)

    private static let lockSchedules = Statement(
        "runs_schedules",
        """
        SELECT id, name, cron_expr, left(prompt, \(Limits.schedulePromptPreview)), empty_runs FROM workspace_schedules
        WHERE id = ANY ($1) ORDER BY id FOR UPDATE
        """)

    private static let record = Statement(
        "runs_record",
        """
        UPDATE workspace_schedules s SET last_status = i.status, last_error = i.error, empty_runs = i.empty_runs,
            last_run_at = greatest(s.last_run_at, i.at), run_count = s.run_count + i.runs
        FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::timestamptz[], $6::int[])
            AS i (id, status, error, empty_runs, at, runs)
        WHERE s.id = i.id
        """)

    private static let mark = Statement(
        "runs_mark", "UPDATE a2a_queue SET run_recorded = true WHERE id = ANY ($1)")

    /// The run that waited behind one that has ended: from now on it waits for its target only. What is being delivered
    /// ends by itself. Runs under the locks of the schedules, so that it sees what was fired beside it.
    private static let expedite = Statement(
        "runs_next",
        """
        WITH next AS (
            SELECT n.id FROM unnest($1::uuid[]) AS ended (id) CROSS JOIN LATERAL (
                SELECT q.id FROM a2a_queue q WHERE q.schedule_id = ended.id AND q.status = 'queued'
                ORDER BY q.enqueued_at, q.id LIMIT 1 FOR UPDATE SKIP LOCKED) AS n
            WHERE NOT EXISTS (
                SELECT FROM a2a_queue r WHERE r.schedule_id = ended.id AND r.status = 'dispatched')
        )
        UPDATE a2a_queue q SET expires_at = now() + make_interval(secs => $2) FROM next
        WHERE q.id = next.id AND q.expires_at > now() + make_interval(secs => $2)
        """)

    private static let giveUp = Statement(
        "runs_give_up",
        """
        WITH marked AS (
            UPDATE a2a_queue SET run_recorded = true WHERE id = $1 AND NOT run_recorded RETURNING schedule_id
        ), schedule AS (
            UPDATE workspace_schedules s SET last_status = 'error', last_error = 'its run could not be recorded',
                run_count = run_count + 1
            FROM marked WHERE s.id = marked.schedule_id
        )
        SELECT schedule_id FROM marked
        """)

    /// Takes a run out of what is to be recorded: the database does not take what it says.
    ///
    /// - Parameter item: of the queue.
    /// - Returns: its schedule; nil when somebody else has dealt with it.
    package func giveUp(_ item: UUID) async throws -> UUID? {
        try await postgres.transaction(deadline: Self.deadline) { transaction in
            guard let schedule = try await transaction.query(Self.giveUp, [item]).first({ $0.uuid(0) }) else {
                return nil
            }
            _ = try await transaction.query([Self.expediting([schedule])])
            return schedule
        }
    }

    private static func expediting(_ schedules: [UUID]) -> Call {
        Call(expedite, [schedules, Double(Limits.scheduleWait.components.seconds)])
    }

    /// One at a time in the whole platform: what runs say about one schedule is written in the order of their ends.
    private static let lock = Statement(
        "runs_lock", "SELECT pg_try_advisory_xact_lock(hashtextextended('switchyard schedule outcomes', 0))")

    /// Records runs that have ended, the oldest first, in one transaction: each once, whoever dies when.
    ///
    /// - Parameter claimed: told which queue items are about to be recorded.
    package func recordEnded(upTo limit: Int = batch, claimed: (([UUID]) -> Void)? = nil) async throws -> Recorded {
        try await postgres.transaction(deadline: Self.deadline) { transaction in
            guard try await transaction.query(Self.lock).only({ $0.bool(0) }) else { return Recorded() }
            let ended = Call(Self.ended, [limit, RunOutcome.responseLimit])
            let rows = try await transaction.query([EventRelay.usingIndexes, ended])[1]
            let runs = try rows.map { EndedItem(row: $0) }
            guard !runs.isEmpty else { return Recorded() }
            claimed?(runs.map(\.id))
            let schedules = Set(runs.map(\.schedule)).sorted()
            let known = try await transaction.query([
                Call(Self.mark, [runs.map(\.id)]), Call(Self.lockSchedules, [schedules]), Self.expediting(schedules),
            ])[1].map { KnownSchedule(row: $0) }
            let (records, changes) = Self.outcomes(of: runs, known)
            _ = try await transaction.query([Self.recording(changes)])
            let events = try await log.write(records, [], transaction)
            return Recorded(records: records, events: events, count: runs.count)
        }
    }

    /// What ended runs mean for their schedules, one after the other as they ended. A schedule that is gone has no
    /// history.
    private static func outcomes(
        of runs: [EndedItem], _ known: [KnownSchedule]
    ) -> (records: [RunRecord], changes: [ScheduleOutcome]) {
        var changes = known.reduce(into: [UUID: ScheduleOutcome]()) { $0[$1.id] = ScheduleOutcome($1) }
        let records = runs.compactMap { run -> RunRecord? in
            guard let schedule = changes[run.schedule]?.schedule else { return nil }
            let outcome = RunOutcome(of: run.run, emptyRuns: changes[run.schedule]?.outcome.emptyRuns ?? 0)
            changes[run.schedule]?.note(outcome, run)
            var record = RunRecord(
                schedule: schedule.id, workspace: run.workspace, name: schedule.name, expression: schedule.expression,
                prompt: schedule.prompt, status: outcome.status, error: outcome.error, at: run.now)
            record.milliseconds = run.milliseconds
            record.queueItem = run.id
            record.isManual = run.isManual
            return record
        }
        return (records, changes.values.filter { $0.runs > 0 }.sorted { $0.schedule.id < $1.schedule.id })
    }

    private static func recording(_ changes: [ScheduleOutcome]) -> Call {
        Call(
            record,
            [
                changes.map(\.schedule.id), changes.map(\.outcome.status.rawValue),
                changes.map { $0.outcome.error?.shortened(to: Limits.errorText) }, changes.map(\.outcome.emptyRuns),
                changes.map(\.firedAt), changes.map(\.runs),
            ])
    }
}

/// A run's queue item that has ended.
private struct EndedItem {
    let id: UUID
    let schedule: UUID
    let workspace: UUID
    let run: EndedRun
    let firedAt: Date
    let milliseconds: Int?
    let isManual: Bool
    let now: Date

    init(row: PostgresRow) {
        id = row.uuid(0)
        schedule = row.uuid(1)
        workspace = row.uuid(2)
        let error = row.optionalString(4)
        let end: EndedRun.End =
            switch QueueStatus(rawValue: row.string(3)) {
            // Without a response there is nothing in it; one that is too long to look at is there all the same.
            case .completed: .completed(response: row.bool(6) ? [] : row.optionalBytes(5))
            case .failed: .failed(error: error)
            default:
                row.optionalBool(7) == true
                    ? .expired(error: error, wasTried: row.bool(14)) : .dropped(reason: error)
            }
        run = EndedRun(
            end: end, status: row.optionalString(11).flatMap { WorkspaceStatus(rawValue: $0) },
            activeTasks: row.int(12))
        firedAt = row.date(8)
        milliseconds = row.optionalInt(9)
        isManual = row.bool(10)
        now = row.date(13)
    }
}

private struct KnownSchedule {
    let id: UUID
    let name: String
    let expression: String
    let prompt: String
    let emptyRuns: Int

    init(row: PostgresRow) {
        id = row.uuid(0)
        name = row.string(1)
        expression = row.string(2)
        prompt = row.string(3)
        emptyRuns = row.int(4)
    }
}

/// What a schedule's row says after some of its runs ended.
private struct ScheduleOutcome {
    let schedule: KnownSchedule
    var outcome: RunOutcome
    /// When the latest of them was fired.
    var firedAt = Date.distantPast
    var runs = 0

    init(_ schedule: KnownSchedule) {
        self.schedule = schedule
        outcome = RunOutcome(status: .ok, emptyRuns: schedule.emptyRuns)
    }

    mutating func note(_ outcome: RunOutcome, _ run: EndedItem) {
        self.outcome = outcome
        firedAt = max(firedAt, run.firedAt)
        runs += 1
    }
}
