import Foundation

/// The condition of a schedule, as operators filter by it: the most severe one that applies.
public enum ScheduleCondition: String, Codable, Hashable, Sendable, CaseIterable {
    /// It is due, and has not fired.
    case late
    /// Its last run failed.
    case failing
    /// Its last runs got empty responses.
    case stale
    /// Its last slot was skipped.
    case skipped
    /// Without problems.
    case ok
    /// Disabled.
    case paused
}

/// One of a schedule's last runs.
public struct ScheduleRunSummary: Codable, Hashable, Sendable {
    /// When it ran.
    public var at: Date
    /// Its outcome.
    public var status: String
    /// How long it took.
    @OrNull public var durationMilliseconds: Int?
    /// The error, if any.
    @OrNull public var error: String?

    private enum CodingKeys: String, CodingKey {
        case at
        case status
        case durationMilliseconds = "duration_ms"
        case error
    }

    /// Creates the value.
    public init(at: Date, status: String, durationMilliseconds: Int? = nil, error: String? = nil) {
        self.at = at
        self.status = status
        self.durationMilliseconds = durationMilliseconds
        self.error = error
    }
}

/// A schedule of the fleet as operators see it: the members of ``ScheduleEntry`` and further ones.
public struct FleetSchedule: Encodable, Hashable, Sendable {
    /// The schedule itself.
    public var schedule: ScheduleEntry
    /// The name of its workspace.
    public var workspaceName: String
    /// Its condition.
    public var condition: ScheduleCondition
    /// Its expression in words; null when it cannot be parsed.
    @OrNull public var sentence: String?
    /// The last twenty runs, newest first.
    public var runs: [ScheduleRunSummary]

    private enum CodingKeys: String, CodingKey {
        case workspaceName = "workspace_name"
        case condition
        case sentence
        case runs
    }

    /// Creates the value.
    public init(
        schedule: ScheduleEntry, workspaceName: String, condition: ScheduleCondition, sentence: String?,
        runs: [ScheduleRunSummary] = []
    ) {
        self.schedule = schedule
        self.workspaceName = workspaceName
        self.condition = condition
        self.sentence = sentence
        self.runs = runs
    }

    /// Writes the schedule's members and the further ones as one object.
    public func encode(to encoder: any Encoder) throws {
        try schedule.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(workspaceName, forKey: .workspaceName)
        try container.encode(condition, forKey: .condition)
        try container.encode(_sentence, forKey: .sentence)
        try container.encode(runs, forKey: .runs)
    }
}

/// The response to GET `/admin/schedules`.
public struct FleetSchedulePage: Encodable, Hashable, Sendable {
    /// Late schedules first, then by condition, then by due time.
    public var schedules: [FleetSchedule]
    /// How many schedules the filter matches.
    public var total: Int
    /// The cursor of the next page; null at the end.
    @OrNull public var nextCursor: String?

    private enum CodingKeys: String, CodingKey {
        case schedules
        case total
        case nextCursor = "next_cursor"
    }

    /// Creates the value.
    public init(schedules: [FleetSchedule], total: Int, nextCursor: String?) {
        self.schedules = schedules
        self.total = total
        self.nextCursor = nextCursor
    }
}

/// The response to GET `/schedules/preview`.
public struct SchedulePreview: Codable, Hashable, Sendable {
    /// The expression in words.
    public var sentence: String
    /// The next slots, five unless there are no more.
    public var next: [Date]

    /// Creates the value.
    public init(sentence: String, next: [Date]) {
        self.sentence = sentence
        self.next = next
    }
}
