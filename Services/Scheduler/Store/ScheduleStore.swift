import Contracts
import Cron
import EventOutbox
import Foundation
import PlatformInternals
import Postgres

/// The statements about schedules as their owners see them.
package struct ScheduleStore: Sendable {
    let postgres: PostgresPool
    private let log: RunLog

    package init(postgres: PostgresPool, source: String) {
        self.postgres = postgres
        log = RunLog(source: source)
    }

    static let columns = """
        id, workspace_id, name, cron_expr, timezone, prompt, enabled, overlap, missed, last_run_at, next_run_at,
        run_count, last_status, last_error, source, created_at, updated_at
        """

    private static let list = Statement(
        "schedule_list",
        "SELECT \(columns) FROM workspace_schedules WHERE workspace_id = $1 ORDER BY created_at, name, id")

    /// All schedules of a workspace, oldest first; those made together, as by a template, by their names.
    package func list(_ workspace: UUID) async throws(PostgresError) -> [ScheduleEntry] {
        try await postgres.query(Self.list, [workspace]).map { ScheduleEntry(row: $0) }
    }

    /// One writer of a workspace's schedules at a time, so that no two are the last that there is room for.
    private static let lockWorkspace = Statement(
        "schedule_workspace", "SELECT FROM workspaces WHERE id = $1 AND status <> 'removed' FOR NO KEY UPDATE")

    private static let count = Statement(
        "schedule_count", "SELECT now(), count(*) FROM workspace_schedules WHERE workspace_id = $1")

    private static let insert = Statement(
        "schedule_insert",
        """
        INSERT INTO workspace_schedules (workspace_id, name, cron_expr, timezone, prompt, enabled, overlap, missed,
            next_run_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT DO NOTHING RETURNING id
        """)

    /// What came of a creation or a change.
    package enum Change: Sendable, Hashable {
        case done(id: UUID, next: Date?)
        case tooMany
        case nameTaken
        case unknown
    }

    /// Creates a schedule; its first slot is the next one from now, by the database's clock.
    package func create(_ new: CheckedSchedule, _ request: CreateScheduleRequest, for workspace: UUID) async throws
        -> Change
    {
        try await postgres.transaction { transaction in
            // Counted after the lock, by a statement that sees what was committed before it was had.
            let found = try await transaction.query([
                Call(Self.lockWorkspace, [workspace]), Call(Self.count, [workspace]),
            ])
            guard !found[0].isEmpty else { return .unknown }
            let place = try found[1].only { (now: $0.date(0), count: $0.int(1)) }
            guard place.count < Limits.schedules else { return .tooMany }
            let next = request.enabled ? new.cron.slot(after: place.now, from: place.now) : nil
            let id = try await transaction.query(
                Self.insert,
                [
                    workspace, new.name, new.expression, new.timezone, new.prompt, request.enabled,
                    request.overlap.rawValue, request.missed.rawValue, next,
                ]
            ).first { $0.uuid(0) }
            return id.map { .done(id: $0, next: next) } ?? .nameTaken
        }
    }

    private static let find = Statement(
        "schedule_find",
        """
        SELECT \(columns), now() FROM workspace_schedules WHERE id = $1 AND workspace_id = $2 FOR UPDATE
        """)

    private static let update = Statement(
        "schedule_update",
        """
        UPDATE workspace_schedules s SET name = $2, cron_expr = $3, timezone = $4, prompt = $5, enabled = $6,
            overlap = $7, missed = $8, next_run_at = $9, updated_at = now(),
            put_off_from = CASE WHEN $9 IS NOT DISTINCT FROM s.next_run_at THEN s.put_off_from END
        WHERE s.id = $1
        """)

    /// Changes a schedule. Its next slot is computed anew, from now, when it is enabled, or its expression or time zone
    /// changes: nothing fires because of the change itself.
    ///
    /// - Parameter change: makes what is to be stored of what is, and the times of what is enabled; it may refuse.
    package func update(
        _ id: UUID, of workspace: UUID, _ change: (ScheduleEntry) throws -> (entry: ScheduleEntry, cron: CronSchedule?)
    ) async throws -> Change {
        do {
            return try await postgres.transaction { transaction in
                let found = try await transaction.query(Self.find, [id, workspace])
                    .first { (entry: ScheduleEntry(row: $0), now: $0.date(17)) }
                guard let (old, now) = found else { return .unknown }
                let (new, cron) = try change(old)
                let isReset =
                    !old.enabled || old.nextRunAt == nil || new.cronExpression != old.cronExpression
                    || new.timezone != old.timezone
                let next = new.enabled ? (isReset ? cron?.slot(after: now, from: now) : old.nextRunAt) : nil
                _ = try await transaction.query(
                    Self.update,
                    [
                        id, new.name, new.cronExpression, new.timezone, new.prompt, new.enabled, new.overlap.rawValue,
                        new.missed.rawValue, next,
                    ])
                return .done(id: id, next: next)
            }
        } catch let error as PostgresError where error.isUniqueViolation(of: "workspace_schedules_name") {
            return .nameTaken
        }
    }

    /// The item is locked before the schedule, as by everyone. What is being delivered ends by itself.
    private static let dropRuns = Statement("schedule_drop_runs", dropping("FOR UPDATE"))
    private static let dropLateRuns = Statement("schedule_drop_late_runs", dropping("FOR UPDATE SKIP LOCKED"))

    private static func dropping(_ lock: String) -> String {
        """
        WITH waiting AS (
            SELECT id FROM a2a_queue WHERE schedule_id = $1 AND workspace_id = $2 AND status = 'queued'
            ORDER BY id \(lock)
        )
        UPDATE a2a_queue q SET status = 'dropped', completed_at = now(), last_error = 'its schedule was deleted',
            run_recorded = true
        FROM waiting WHERE q.id = waiting.id RETURNING q.id, q.attempts
        """
    }

    private static let delete = Statement(
        "schedule_delete", "DELETE FROM workspace_schedules WHERE id = $1 AND workspace_id = $2 RETURNING id")

    /// Deletes a schedule, and what it fired that still waits.
    ///
    /// - Returns: the events; nil when there is no such schedule.
    package func delete(_ id: UUID, of workspace: UUID) async throws -> [CommittedEvent]? {
        do {
            return try await deleteKnown(id, of: workspace)
        } catch is Unknown {
            return nil
        }
    }

    /// Undoes the transaction that met it.
    private struct Unknown: Error {}

    private func deleteKnown(_ id: UUID, of workspace: UUID) async throws -> [CommittedEvent] {
        try await postgres.transaction { transaction in
            // Once more when nobody can fire it any longer: what was fired while the deletion waited for it.
            let rows = try await transaction.query([
                Call(Self.dropRuns, [id, workspace]), Call(Self.delete, [id, workspace]),
                Call(Self.dropLateRuns, [id, workspace]),
            ])
            guard !rows[1].isEmpty else { throw Unknown() }
            let dropped = try rows[0].map { (item: $0.uuid(0), attempts: $0.int(1)) }
            let late = try rows[2].map { (item: $0.uuid(0), attempts: $0.int(1)) }
            let events = try (dropped + late).map { dropped in
                RunLog.Event(
                    type: .a2aDropped, workspace: workspace,
                    data: try RawJSON(
                        encoding: A2AOutcome(
                            queueID: dropped.item, attempts: dropped.attempts, error: "its schedule was deleted",
                            scheduleID: id)))
            }
            return try await log.write([], events, transaction)
        }
    }

    private static let history = Statement(
        "schedule_history",
        """
        SELECT created_at, duration_ms, status, error_detail, request_body FROM activity_logs
        WHERE schedule_id = $1 AND workspace_id = $2 AND activity_type = 'cron_run'
        ORDER BY created_at DESC LIMIT \(Limits.scheduleHistory)
        """)

    private static let exists = Statement(
        "schedule_exists", "SELECT FROM workspace_schedules WHERE id = $1 AND workspace_id = $2")

    package func exists(_ id: UUID, of workspace: UUID) async throws(PostgresError) -> Bool {
        try await !postgres.query(Self.exists, [id, workspace]).isEmpty
    }

    /// The newest runs of a schedule.
    ///
    /// - Returns: nil when there is no such schedule.
    package func history(_ id: UUID, of workspace: UUID) async throws(PostgresError) -> [ScheduleRun]? {
        let rows = try await postgres.atomically([
            Call(Self.exists, [id, workspace]), Call(Self.history, [id, workspace]),
        ])
        if rows[0].isEmpty { return nil }
        return try rows[1].map { row in
            ScheduleRun(
                timestamp: row.date(0), durationMilliseconds: row.optionalInt(1), status: row.string(2),
                errorDetail: row.optionalString(3), request: row.optionalBytes(4).map { RawJSON(unchecked: $0) })
        }
    }
}

extension ScheduleEntry {
    /// - Parameter row: of ``ScheduleStore``'s columns.
    init(row: PostgresRow) {
        self.init(
            id: row.uuid(0), workspaceID: row.uuid(1), name: row.string(2), cronExpression: row.string(3),
            timezone: row.string(4), prompt: row.string(5), enabled: row.bool(6),
            overlap: ScheduleOverlap(rawValue: row.string(7)) ?? .skip,
            missed: MissedSlots(rawValue: row.string(8)) ?? .once, lastRunAt: row.optionalDate(9),
            nextRunAt: row.optionalDate(10), runCount: row.int(11),
            lastStatus: row.optionalString(12).flatMap { ScheduleStatus(rawValue: $0) },
            lastError: row.optionalString(13), source: row.string(14), createdAt: row.date(15), updatedAt: row.date(16))
    }
}
