import Concurrency
import Contracts
import Cron
import Foundation
import PlatformInternals

/// A due schedule, with the state of its workspace.
package struct DueSchedule: Sendable, Hashable {
    package var id: UUID
    package var workspace: UUID
    package var name: String
    package var expression: String
    package var timezone: String
    package var prompt: String
    /// The slot that is due: `next_run_at`.
    package var dueAt: Date
    package var overlap: ScheduleOverlap
    package var missed: MissedSlots
    package var status: WorkspaceStatus
    /// Whether its runtime fires schedules itself.
    package var isNative: Bool
    /// When the workspace was last resumed.
    package var resumedAt: Date?
    /// The schedule's runs that are queued or in flight.
    package var openRuns: Int

    package init(
        id: UUID = UUID(), workspace: UUID = UUID(), name: String = "", expression: String, timezone: String = "UTC",
        prompt: String = "", dueAt: Date, overlap: ScheduleOverlap = .skip, missed: MissedSlots = .once,
        status: WorkspaceStatus = .online, isNative: Bool = false, resumedAt: Date? = nil, openRuns: Int = 0
    ) {
        self.id = id
        self.workspace = workspace
        self.name = name
        self.expression = expression
        self.timezone = timezone
        self.prompt = prompt
        self.dueAt = dueAt
        self.overlap = overlap
        self.missed = missed
        self.status = status
        self.isNative = isNative
        self.resumedAt = resumedAt
        self.openRuns = openRuns
    }
}

/// Decides what to do with a due slot, and when the schedule is due next. By the database's clock.
package enum FiringRule {
    package enum Decision: Sendable, Hashable {
        /// A run is enqueued.
        case fire
        /// No run; with the reason for the history.
        case skip(String)
        /// No run and no record: its runtime fires it, or the slot is older than the workspace's resumption.
        case pass
        /// The schedule cannot be computed any more; with the reason.
        case broken(String)
    }

    package struct Outcome: Sendable, Hashable {
        package var decision: Decision
        package var next: Date?

        package init(decision: Decision, next: Date?) {
            self.decision = decision
            self.next = next
        }
    }

    /// Seconds by which a slot may be late and still count as fired in time: longer than the scheduler's own delays
    /// short of an outage, shorter than the interval of most schedules.
    package static let tolerance: TimeInterval = 60
    /// Seconds after which a broken schedule is retried.
    package static let brokenPause: TimeInterval = 3600
    /// Missed slots are counted up to this.
    package static let countLimit = 1000

    /// - Parameter now: of the database.
    package static func decide(_ schedule: DueSchedule, now: Date) -> Outcome {
        guard let zone = CronTimeZone(schedule.timezone) else {
            return broken(ErrorMessage.invalidTimezone(schedule.timezone), now)
        }
        do throws(CronError) {
            return decide(schedule, try CronSchedule(schedule.expression, timeZone: zone), now)
        } catch {
            return broken("\(ErrorMessage.invalidCronExpression): \(error)", now)
        }
    }

    private static func broken(_ reason: String, _ now: Date) -> Outcome {
        Outcome(decision: .broken(reason), next: now.addingTimeInterval(brokenPause))
    }

    private static func decide(_ schedule: DueSchedule, _ cron: CronSchedule, _ now: Date) -> Outcome {
        let next = cron.slot(after: now, from: schedule.dueAt)
        if let resumedAt = schedule.resumedAt, schedule.dueAt <= resumedAt {
            return Outcome(decision: .pass, next: next)
        }
        if schedule.isNative { return Outcome(decision: .pass, next: next) }
        guard schedule.status.takesRuns else {
            return Outcome(decision: .skip(ErrorMessage.scheduleSkipped(workspace: schedule.status)), next: next)
        }
        let inTime = now.addingTimeInterval(-tolerance)
        if schedule.missed == .skip, schedule.dueAt < inTime {
            // The last of the missed slots may still be within the tolerance: it is due next, immediately.
            let first = cron.slot(after: inTime, from: schedule.dueAt)
            let count = cron.slots(from: schedule.dueAt, through: inTime, limit: countLimit)
            return Outcome(
                decision: .skip(ErrorMessage.scheduleSkipped(missed: count, isAtLeast: count == countLimit)),
                next: first.map { $0 <= now } == true ? first : next)
        }
        switch schedule.overlap {
        case .skip where schedule.openRuns > 0:
            return Outcome(decision: .skip(ErrorMessage.scheduleSkippedOverlap), next: next)
        case .queue where schedule.openRuns >= Limits.waitingRuns:
            return Outcome(decision: .skip("skipped: \(ErrorMessage.tooManyWaitingRuns)"), next: next)
        case .skip, .queue:
            return Outcome(decision: .fire, next: next)
        }
    }
}

extension CronSchedule {
    /// The first slot after a time. Those of `@every` count from a slot that was due.
    func slot(after time: Date, from due: Date) -> Date? {
        guard let interval = interval?.inSeconds else { return next(after: time) }
        let passed = max(0, (time.timeIntervalSince(due) / interval).rounded(.down))
        return due.addingTimeInterval((passed + 1) * interval)
    }

    /// The number of slots from a due one up to a time, counted up to `limit`.
    func slots(from due: Date, through time: Date, limit: Int) -> Int {
        guard let interval = interval?.inSeconds else {
            return min(limit, 1 + count(after: due, through: time, limit: limit))
        }
        return Int(min(Double(limit), max(0, time.timeIntervalSince(due) / interval).rounded(.down) + 1))
    }
}

extension WorkspaceStatus {
    /// Whether a queued message can be delivered before its run expires, also when the workspace is being started.
    var takesRuns: Bool {
        switch self {
        case .online, .degraded, .provisioning: true
        case .offline, .failed, .removed, .paused, .hibernating, .hibernated, .awaitingAgent: false
        }
    }
}
