import Concurrency
import Contracts
import EventOutbox
import Foundation
import PlatformInternals
import Postgres

/// What one look at ended runs came to.
package struct Recorded: Sendable {
    package var records: [RunRecord] = []
    package var events: [CommittedEvent] = []
    /// Runs that were looked at.
    package var count = 0
    /// Runs whose rows cannot be read, which were given up.
    package var unreadable: [(schedule: UUID, item: UUID)] = []
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

    /// The items are locked before their schedules, as by everyone. What they say is read afterwards: it may be what cannot
    /// be read.
    private static let ended = Statement(
        "runs_ended",
        """
        SELECT id FROM a2a_queue
        WHERE schedule_id IS NOT NULL AND NOT run_recorded AND status IN ('completed', 'dropped', 'failed')
        ORDER BY completed_at, id LIMIT $1 FOR UPDATE SKIP LOCKED
        """)

    /// In the order in which they ended.
    private static let read = Statement(
        "runs_read",
        """
        SELECT q.id, q.schedule_id, q.workspace_id, q.status, q.last_error,
            CASE WHEN octet_length(q.response) <= $2 THEN q.response END, q.response IS NULL,
            q.expires_at <= q.completed_at, q.enqueued_at,
            CASE WHEN q.status <> 'dropped'
                THEN (extract(epoch FROM q.completed_at - q.dispatched_at) * 1000)::bigint END, q.run_is_manual,
            w.status, coalesce(v.active_tasks, 0), now(), q.attempts + q.deliveries > 0
        FROM unnest($1::uuid[]) AS ended (id) JOIN a2a_queue q ON q.id = ended.id
        LEFT JOIN workspaces w ON w.id = q.workspace_id
        LEFT JOIN workspace_vitals v ON v.workspace_id = q.workspace_id
        ORDER BY q.completed_at, q.id
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

    /// Runs that nothing of their schedules is before any more have from now on the time that a run waits for its target;
    /// before that they had the time of a message, behind others. A run that somebody has locked is passed over.
    ///
    /// - Parameter first: selects the first open run of each of some schedules, one that is being delivered before all.
    private static func expediting(_ first: String) -> String {
        """
        WITH first AS (\(first)), free AS (
            SELECT q.id FROM a2a_queue q
            WHERE q.id = ANY (ARRAY(
                    SELECT id FROM first
                    WHERE status = 'queued' AND expires_at > now() + make_interval(secs => $1) LIMIT \(turns)))
                AND q.status = 'queued'
            ORDER BY q.id FOR UPDATE SKIP LOCKED
        )
        UPDATE a2a_queue q SET expires_at = now() + make_interval(secs => $1) FROM free WHERE q.id = free.id
        RETURNING q.id
        """
    }

    /// Runs of one statement.
    package static let turns = 500

    /// Of runs that have just ended, under the locks of their schedules, so that it sees what was fired beside it.
    private static let expedite = Statement(
        "runs_next",
        expediting(
            """
            SELECT n.* FROM unnest($2::uuid[]) AS ended (id) CROSS JOIN LATERAL (
                SELECT q.id, q.status, q.expires_at FROM a2a_queue q
                WHERE q.schedule_id = ended.id AND q.status IN ('queued', 'dispatched')
                ORDER BY q.status, q.enqueued_at, q.id LIMIT 1) AS n
            """))

    private static let expediteAll = Statement(
        "runs_turns",
        expediting(
            """
            SELECT DISTINCT ON (schedule_id) id, status, expires_at FROM a2a_queue
            WHERE schedule_id IS NOT NULL AND status IN ('queued', 'dispatched')
            ORDER BY schedule_id, status, enqueued_at, id
            """))

    /// Gives runs whose turn has come the time that a run waits: those that were being claimed or delivered when the one
    /// before them ended, and are back in the queue.
    ///
    /// - Returns: how many, at most ``turns``.
    package func expediteAll() async throws(PostgresError) -> Int {
        let wait = Limits.scheduleWait.inSeconds
        return try await postgres.atomically(
            [EventRelay.usingIndexes, Call(Self.expediteAll, [wait])], deadline: Self.deadline)[1].count
    }

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
        try await postgres.transaction(deadline: Self.deadline) { try await Self.giveUp(item, $0) }
    }

    private static func giveUp(_ item: UUID, _ transaction: Transaction) async throws -> UUID? {
        guard let schedule = try await transaction.query(giveUp, [item]).first({ $0.uuid(0) }) else { return nil }
        _ = try await transaction.query([expediting([schedule])])
        return schedule
    }

    private static func expediting(_ schedules: [UUID]) -> Call {
        Call(expedite, [Limits.scheduleWait.inSeconds, schedules])
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
            let ended = Call(Self.ended, [limit])
            let ids = try await transaction.query([EventRelay.usingIndexes, ended])[1].map { $0.uuid(0) }
            guard !ids.isEmpty else { return Recorded() }
            claimed?(ids)
            let runs = try await transaction.query(Self.read, [ids, RunOutcome.responseLimit])
                .decodeEach { EndedItem(row: $0) }.values
            let schedules = Set(runs.map(\.schedule)).sorted()
            let known = try await transaction.query([
                Call(Self.mark, [runs.map(\.id)]), Call(Self.lockSchedules, [schedules]), Self.expediting(schedules),
            ])[1].decodeEach { KnownSchedule(row: $0) }.values
            let (records, changes) = Self.outcomes(of: runs, known)
            _ = try await transaction.query([Self.recording(changes)])
            var recorded = Recorded(records: records, count: ids.count)
            recorded.events = try await log.write(records, [], transaction)
            // A row that cannot be read is none of the others' business.
            for id in Set(ids).subtracting(runs.map(\.id)) {
                if let schedule = try await Self.giveUp(id, transaction) { recorded.unreadable.append((schedule, id)) }
            }
            return recorded
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
