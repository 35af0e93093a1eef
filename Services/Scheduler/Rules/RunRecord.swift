import Contracts
import Foundation
import JSONBytes
import PlatformInternals

/// One entry of a schedule's history: a run that ended, or a skipped slot.
package struct RunRecord: Sendable {
    /// The id of its row in the feed.
    package var id = UUID()
    package var schedule: UUID
    package var workspace: UUID
    package var name: String
    package var expression: String
    package var prompt: String
    package var status: ScheduleStatus
    package var error: String?
    /// The duration of the delivery; nil when there was none.
    package var milliseconds: Int?
    /// The queue item of the run's message; nil for a skipped slot.
    package var queueItem: UUID?
    /// Whether it was requested manually.
    package var isManual = false
    /// When it ended, by the database's clock.
    package var at: Date

    package init(
        schedule: UUID, workspace: UUID, name: String, expression: String, prompt: String, status: ScheduleStatus,
        error: String?, at: Date
    ) {
        self.schedule = schedule
        self.workspace = workspace
        self.name = name
        self.expression = expression
        self.prompt = prompt
        self.status = status
        self.error = error.map { $0.shortened(to: Limits.errorText) }
        self.at = at
    }

    /// A human-readable summary.
    package var summary: String {
        let subject = name.isEmpty ? "Schedule" : "Schedule “\(name.shortened(to: Limits.summaryText, mark: "…"))”"
        return switch status {
        case .ok: "\(subject) ran"
        case .error: "\(subject) failed"
        case .skipped: "\(subject) was skipped"
        case .stale: "\(subject) ran without a response"
        }
    }

    /// What the history returns as the request.
    package var request: [UInt8] {
        var writer = JSONWriter()
        writer.object { writer in
            writer.member("schedule_id", schedule.lowercased)
            writer.member("schedule_name", name)
            writer.member("cron_expr", expression)
            writer.member("prompt", prompt.shortened(to: Limits.schedulePromptPreview))
            writer.member("trigger", isManual ? "manual" : "cron")
        }
        return writer.bytes
    }

    /// The durable event about it.
    package var eventType: EventType { status == .skipped ? .scheduleSkipped : .scheduleExecuted }

    package func event() throws(WireError) -> RawJSON {
        try RawJSON(
            encoding: ScheduleChanged(
                scheduleID: schedule, scheduleName: name, status: status.rawValue, error: error, queueID: queueItem))
    }

    /// The event for its row in the feed.
    package func logged() throws(WireError) -> RawJSON {
        try RawJSON(
            encoding: ActivityLogged(
                id: id, workspaceID: workspace, activityType: .cronRun, method: "message/send", summary: summary,
                status: status.rawValue, durationMilliseconds: milliseconds, errorDetail: error, createdAt: at))
    }
}
