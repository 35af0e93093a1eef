import Concurrency
import Contracts
import EventOutbox
import Foundation
import PlatformInternals
import Postgres

/// What one claim of due schedules came to.
package struct Fired: Sendable {
    /// Schedules whose slot was dealt with, in whatever way.
    package var schedules: [UUID] = []
    /// There may be more: the claim took as many as it may.
    package var isFull = false
    package var events: [CommittedEvent] = []
    /// Slots that were left out, for the feed.
    package var skipped: [RunRecord] = []
    package var runs = 0
    /// Schedules that cannot be computed any more, and why.
    package var broken: [(schedule: UUID, reason: String)] = []
    /// Seconds by which the latest slot was late.
    package var lateness: TimeInterval = 0
}

/// The statements of firing. What a slot becomes is decided by ``FiringRule``.
package struct FiringStore: Sendable {
    private let postgres: PostgresPool
    private let log: RunLog

    package init(postgres: PostgresPool, source: String) {
        self.postgres = postgres
        log = RunLog(source: source)
    }

    /// Schedules of one claim.
    package static let batch = 1000
    /// Bytes of the prompts of one claim; the schedule that reaches them still belongs to it.
    package static let batchBytes = 4 << 20
    private static let deadline: Duration = .seconds(20)

    /// What another instance is firing is passed over.
    ///
    /// - Parameter condition: beside being due.
    private static func claiming(_ condition: String) -> String {
        """
        WITH due AS MATERIALIZED (
            SELECT s.id, s.next_run_at, octet_length(s.prompt) AS bytes FROM workspace_schedules s
            WHERE s.enabled AND s.next_run_at <= now()\(condition)
            ORDER BY s.next_run_at LIMIT $1 FOR UPDATE SKIP LOCKED
        )
        SELECT id, before < $2 FROM (
            SELECT id, sum(bytes) OVER (ORDER BY next_run_at, id ROWS UNBOUNDED PRECEDING) - bytes AS before
            FROM due) AS summed
        """
    }

    private static let claim = Statement("schedule_claim", claiming(""))
    private static let claimThese = Statement("schedule_claim_these", claiming(" AND s.id = ANY ($3)"))

    /// What is decided by, of schedules that are locked: in a statement after the claim, so that it sees all that was
    /// committed before the locks were had.
    private static let read = Statement(
        "schedule_read",
        """
        SELECT s.id, s.workspace_id, s.name, s.cron_expr, s.timezone, s.prompt, coalesce(s.put_off_from, s.next_run_at),
            s.overlap, s.missed, w.status,
            coalesce(v.capabilities & \(Capabilities.scheduler.rawValue) <> 0, false), w.schedules_from,
            \(openRuns), now()
        FROM unnest($1::uuid[]) AS claimed (id) JOIN workspace_schedules s ON s.id = claimed.id
        JOIN workspaces w ON w.id = s.workspace_id
        LEFT JOIN workspace_vitals v ON v.workspace_id = s.workspace_id
        """)

    /// How many runs of `s` wait or run, counted no further than they may wait.
    static let openRuns = """
        (SELECT count(*) FROM (
            SELECT FROM a2a_queue q WHERE q.schedule_id = s.id AND q.status IN ('queued', 'dispatched')
            LIMIT \(Limits.waitingRuns)) AS open)
        """

    private static let move = Statement(
        "schedule_move",
        """
        UPDATE workspace_schedules s SET next_run_at = i.next, last_status = coalesce(i.status, s.last_status),
            last_error = CASE WHEN i.status IS NULL THEN s.last_error ELSE i.error END,
            last_run_at = CASE WHEN i.status = 'skipped' THEN now() ELSE s.last_run_at END,
            run_count = s.run_count + (i.status IS NOT DISTINCT FROM 'skipped')::int,
            put_off_from = CASE WHEN i.status = 'error' THEN coalesce(s.put_off_from, s.next_run_at) END
        FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[]) AS i (id, next, status, error)
        WHERE s.id = i.id
        """)

    /// A schedule's run, as it goes into the queue.
    typealias Run = (schedule: DueSchedule, message: ScheduledMessage)

    private static let rows = Recordset<Run>([
        .uuid("id") { $0.message.item },
        .uuid("workspace_id") { $0.schedule.workspace },
        .text("message_id") { $0.message.messageID },
        .text("context_id") { $0.schedule.queueContext },
        .uuid("schedule_id") { $0.schedule.id },
        .double("wait") { $0.schedule.wait },
    ])

    /// A run waits for its target for as long as the contract says; behind another run of its schedule it waits first
    /// for that one's end, as long as any message does.
    static let insert = Statement(
        "schedule_enqueue",
        """
        INSERT INTO a2a_queue (id, workspace_id, method, body, idempotency_key, context_id, schedule_id, run_is_manual,
            expires_at)
        SELECT i.id, i.workspace_id, 'message/send', i.body, i.message_id, i.context_id, i.schedule_id, $3,
            CASE WHEN i.wait IS NULL THEN now() + interval '7 days' ELSE now() + make_interval(secs => i.wait) END
        FROM ROWS FROM (unnest($2::text[]), json_to_recordset($1::json) AS (\(rows.definition))) AS i (body)
        """)

    private static let unplanned = Statement(
        "schedule_unplan",
        """
        SELECT id, cron_expr, timezone, now() FROM workspace_schedules WHERE enabled AND next_run_at IS NULL
        ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED
        """)

    /// Computes when enabled schedules are due of which nobody has done so yet.
    ///
    /// - Returns: how many.
    package func plan() async throws -> Int {
        try await postgres.transaction(deadline: Self.deadline) { transaction in
            let unplanned = Call(Self.unplanned, [Self.batch])
            let new = try await transaction.query([EventRelay.usingIndexes, unplanned])[1].map { row in
                let schedule = DueSchedule(
                    id: row.uuid(0), expression: row.string(1), timezone: row.string(2), dueAt: row.date(3),
                    resumedAt: row.date(3))
                return (schedule: schedule, outcome: FiringRule.decide(schedule, now: row.date(3)))
            }
            if !new.isEmpty { _ = try await transaction.query([moving(new.map(\.schedule), new.map(\.outcome))]) }
            return new.count
        }
    }

    private static let postpone = Statement(
        "schedule_postpone",
        """
        UPDATE workspace_schedules SET next_run_at = now() + make_interval(secs => $2), last_status = 'error',
            last_error = $3, put_off_from = coalesce(put_off_from, next_run_at)
        WHERE id = $1 AND enabled AND next_run_at <= now()
        """)

    /// Claims schedules that are due and fires them, all in one transaction: each slot fires once, whoever dies when.
    ///
    /// - Parameters:
    ///   - these: only these; nil for whatever is due.
    ///   - claimed: told which schedules are about to be fired.
    package func fire(_ these: [UUID]? = nil, claimed: (([UUID]) -> Void)? = nil) async throws -> Fired {
        try await postgres.transaction(deadline: Self.deadline) { transaction in
            let claim =
                if let these {
                    Call(Self.claimThese, [these.count, Self.batchBytes, these])
                } else {
                    Call(Self.claim, [Self.batch, Self.batchBytes])
                }
            let found = try await transaction.query([EventRelay.usingIndexes, claim])[1]
                .map { (id: $0.uuid(0), fits: $0.bool(1)) }
            let ids = found.filter(\.fits).map(\.id)
            guard !ids.isEmpty else { return Fired() }
            claimed?(ids)
            let due = try await transaction.query(Self.read, [ids])
                .decodeEach { (schedule: DueSchedule(row: $0), now: $0.date(13)) }.values
            var fired = try await deal(with: due.map(\.schedule), at: due.first?.now, transaction)
            // A row that cannot be read is none of the others' business.
            for id in Set(ids).subtracting(due.map(\.schedule.id)) {
                _ = try await transaction.query(Self.postpone, [id, FiringRule.brokenPause, Self.unreadable])
                fired.schedules.append(id)
                fired.broken.append((id, Self.unreadable))
            }
            fired.isFull = ids.count < found.count || found.count == Self.batch
            return fired
        }
    }

    private static let unreadable = "its row cannot be read"

    /// Puts a schedule off that cannot be fired, so that it stands in nobody's way. One that somebody else fired or changed
    /// meanwhile stays as it is.
    package func postpone(_ schedule: UUID, because reason: String) async throws(PostgresError) {
        _ = try await postgres.query(
            Self.postpone, [schedule, FiringRule.brokenPause, reason.shortened(to: Limits.errorText)])
    }

    private func deal(
        with due: [DueSchedule], at time: Date?, _ transaction: Transaction
    ) async throws -> Fired {
        guard let now = time else { return Fired() }
        let outcomes = due.map { FiringRule.decide($0, now: now) }
        var fired = Fired()
        var runs: [Run] = []
        for (schedule, outcome) in zip(due, outcomes) {
            fired.schedules.append(schedule.id)
            fired.lateness = max(fired.lateness, now.timeIntervalSince(schedule.dueAt))
            switch outcome.decision {
            case .fire: runs.append((schedule, ScheduledMessage(schedule: schedule.id, prompt: schedule.prompt)))
            case .skip(let reason): fired.skipped.append(RunRecord(skipped: schedule, because: reason, at: now))
            case .pass: break
            case .broken(let reason): fired.broken.append((schedule.id, reason))
            }
        }
        fired.runs = runs.count
        var calls = [moving(due, outcomes)]
        if !runs.isEmpty { calls.append(Self.enqueuing(runs)) }
        _ = try await transaction.query(calls)
        let recorded = try runs.map { try Self.fired($0.schedule, $0.message) }
        fired.events = try await log.write(fired.skipped, recorded, transaction)
        return fired
    }

    private func moving(_ due: [DueSchedule], _ outcomes: [FiringRule.Outcome]) -> Call {
        let recorded = outcomes.map(\.decision.lastRun)
        return Call(
            Self.move,
            [due.map(\.id), outcomes.map(\.next), recorded.map { $0?.status.rawValue }, recorded.map { $0?.error }])
    }

    /// The call that puts runs into the queue.
    static func enqueuing(_ runs: [Run], isManual: Bool = false) -> Call {
        Call(insert, [rows.json(runs), runs.map(\.message.body), isManual])
    }

    /// What is told of a run that was put into the queue.
    static func fired(_ schedule: DueSchedule, _ message: ScheduledMessage) throws(WireError) -> RunLog.Event {
        RunLog.Event(
            type: .scheduleFired, workspace: schedule.workspace,
            data: try RawJSON(
                encoding: ScheduleChanged(
                    scheduleID: schedule.id, scheduleName: schedule.name, status: "fired", queueID: message.item)))
    }
}

extension FiringRule.Decision {
    /// What the schedule's row says of it.
    fileprivate var lastRun: (status: ScheduleStatus, error: String)? {
        switch self {
        case .fire, .pass: nil
        case .skip(let reason): (.skipped, reason)
        case .broken(let reason): (.error, reason)
        }
    }
}

extension RunRecord {
    fileprivate init(skipped schedule: DueSchedule, because reason: String, at now: Date) {
        self.init(
            schedule: schedule.id, workspace: schedule.workspace, name: schedule.name,
            expression: schedule.expression, prompt: schedule.prompt, status: .skipped, error: reason, at: now)
    }
}

extension DueSchedule {
    /// Items of one context are delivered one at a time, in order.
    fileprivate var queueContext: String? { overlap == .queue ? "schedule:\(id.lowercased)" : nil }

    /// Seconds that its run may wait for its target; nil while another run of it comes first.
    fileprivate var wait: Double? {
        overlap == .queue && openRuns > 0 ? nil : Limits.scheduleWait.inSeconds
    }

    /// - Parameter row: of a claim.
    fileprivate init(row: PostgresRow) {
        self.init(
            id: row.uuid(0), workspace: row.uuid(1), name: row.string(2), expression: row.string(3),
            timezone: row.string(4), prompt: row.string(5), dueAt: row.date(6),
            overlap: ScheduleOverlap(rawValue: row.string(7)) ?? .skip,
            missed: MissedSlots(rawValue: row.string(8)) ?? .once,
            status: WorkspaceStatus(rawValue: row.string(9)) ?? .failed, isNative: row.bool(10),
            resumedAt: row.optionalDate(11), openRuns: row.int(12))
    }
}
