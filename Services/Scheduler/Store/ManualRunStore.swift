import Contracts
import EventOutbox
import Foundation
import PlatformInternals
import Postgres

/// Runs that somebody asks for.
package struct ManualRunStore: Sendable {
    private let postgres: PostgresPool
    private let log: RunLog

    package init(postgres: PostgresPool, source: String) {
        self.postgres = postgres
        log = RunLog(source: source)
    }

    /// What came of it.
    package enum Result: Sendable {
        case fired(prompt: String, [CommittedEvent])
        case unknown
        /// The workspace takes no messages as it is.
        case refused(WorkspaceStatus)
        case tooManyWaiting
    }

    private static let find = Statement(
        "manual_run_find",
        """
        SELECT s.name, s.prompt, s.overlap, w.status, \(FiringStore.openRuns)
        FROM workspace_schedules s JOIN workspaces w ON w.id = s.workspace_id
        WHERE s.id = $1 AND s.workspace_id = $2
        """)

    private static let lock = Statement(
        "manual_run_lock", "SELECT FROM workspace_schedules WHERE id = $1 AND workspace_id = $2 FOR UPDATE")

    /// Puts a run into the queue, whatever the schedule's times are and whether or not it is enabled.
    package func run(_ id: UUID, of workspace: UUID) async throws -> Result {
        try await postgres.transaction { transaction -> Result in
            // Counted after the lock, by a statement that sees what was committed before it was had.
            let rows = try await transaction.query([
                Call(Self.lock, [id, workspace]), Call(Self.find, [id, workspace]),
            ])[1]
            let found = try rows.first { row in
                DueSchedule(
                    id: id, workspace: workspace, name: row.string(0), expression: "", prompt: row.string(1),
                    dueAt: Date(), overlap: ScheduleOverlap(rawValue: row.string(2)) ?? .skip,
                    status: WorkspaceStatus(rawValue: row.string(3)) ?? .failed, openRuns: row.int(4))
            }
            guard let schedule = found else { return .unknown }
            guard schedule.status.wakesForRuns else { return .refused(schedule.status) }
            guard schedule.openRuns < Limits.waitingRuns else { return .tooManyWaiting }
            let message = ScheduledMessage(schedule: id, prompt: schedule.prompt)
            _ = try await transaction.query([FiringStore.enqueuing([(schedule, message)], isManual: true)])
            let recorded = try FiringStore.fired(schedule, message)
            return .fired(prompt: schedule.prompt, try await log.write([], [recorded], transaction))
        }
    }
}

extension WorkspaceStatus {
    /// A message sent to it by hand arrives, if need be after it was woken.
    fileprivate var wakesForRuns: Bool {
        switch self {
        case .online, .degraded, .provisioning, .offline, .hibernating, .hibernated: true
        case .failed, .removed, .paused, .awaitingAgent: false
        }
    }
}
