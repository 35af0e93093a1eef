import Foundation

/// The response to a manual run.
public struct ScheduleFired: Codable, Hashable, Sendable {
    /// Always `fired`.
    public var status: String
    /// The workspace that the prompt was sent to.
    public var workspaceID: UUID
    /// The prompt.
    public var prompt: String

    private enum CodingKeys: String, CodingKey {
        case status
        case workspaceID = "workspace_id"
        case prompt
    }

    /// Creates the value.
    public init(status: String = "fired", workspaceID: UUID, prompt: String) {
        self.status = status
        self.workspaceID = workspaceID
        self.prompt = prompt
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        status = try container.decodeIfPresent(String.self, forKey: .status) ?? "fired"
        workspaceID = try container.decode(UUID.self, forKey: .workspaceID)
        prompt = try container.decode(String.self, forKey: .prompt)
    }
}

/// A run in a schedule's history.
public struct ScheduleRun: Codable, Hashable, Sendable {
    /// When it ran.
    public var timestamp: Date
    /// How long it took.
    @OrNull public var durationMilliseconds: Int?
    /// Its outcome.
    public var status: String
    /// The error, if any.
    @OrNull public var errorDetail: String?
    /// An object with `schedule_id`, `schedule_name`, `cron_expr` and `prompt`.
    @OrNull public var request: RawJSON?

    private enum CodingKeys: String, CodingKey {
        case timestamp
        case durationMilliseconds = "duration_ms"
        case status
        case errorDetail = "error_detail"
        case request
    }

    /// Creates the value.
    public init(
        timestamp: Date, durationMilliseconds: Int? = nil, status: String, errorDetail: String? = nil,
        request: RawJSON? = nil
    ) {
        self.timestamp = timestamp
        self.durationMilliseconds = durationMilliseconds
        self.status = status
        self.errorDetail = errorDetail
        self.request = request
    }
}

/// A schedule as peers see it: without its prompt and expression.
public struct ScheduleHealth: Codable, Hashable, Sendable {
    /// The schedule's id.
    public var id: UUID
    /// The workspace that it belongs to.
    public var workspaceID: UUID
    /// Its name.
    public var name: String
    /// Whether it is enabled.
    public var enabled: Bool
    /// When it last fired.
    @OrNull public var lastRunAt: Date?
    /// When it fires next.
    @OrNull public var nextRunAt: Date?
    /// How often it ran or was skipped.
    public var runCount: Int
    /// The outcome of the last run.
    @OrNull public var lastStatus: ScheduleStatus?
    /// The error of the last run.
    @OrNull public var lastError: String?

    private enum CodingKeys: String, CodingKey {
        case id
        case workspaceID = "workspace_id"
        case name
        case enabled
        case lastRunAt = "last_run_at"
        case nextRunAt = "next_run_at"
        case runCount = "run_count"
        case lastStatus = "last_status"
        case lastError = "last_error"
    }

    /// Creates the value.
    public init(
        id: UUID, workspaceID: UUID, name: String, enabled: Bool, lastRunAt: Date? = nil,
        nextRunAt: Date? = nil, runCount: Int, lastStatus: ScheduleStatus? = nil, lastError: String? = nil
    ) {
        self.id = id
        self.workspaceID = workspaceID
        self.name = name
        self.enabled = enabled
        self.lastRunAt = lastRunAt
        self.nextRunAt = nextRunAt
        self.runCount = runCount
        self.lastStatus = lastStatus
        self.lastError = lastError
    }
}

/// A schedule with problems, as operators see it.
public struct UnhealthySchedule: Codable, Hashable, Sendable {
    /// Its problems, the most severe first.
    public var problems: [ScheduleProblem]
    /// The schedule's id.
    public var id: UUID
    /// The workspace that it belongs to.
    public var workspaceID: UUID
    /// The workspace's name.
    public var workspaceName: String
    /// Its name.
    public var name: String
    /// When it last fired.
    @OrNull public var lastRunAt: Date?
    /// When it fires next, or should have fired.
    @OrNull public var nextRunAt: Date?
    /// How often it ran or was skipped.
    public var runCount: Int
    /// The outcome of the last run.
    @OrNull public var lastStatus: ScheduleStatus?
    /// The error of the last run.
    @OrNull public var lastError: String?

    private enum CodingKeys: String, CodingKey {
        case problems
        case id
        case workspaceID = "workspace_id"
        case workspaceName = "workspace_name"
        case name
        case lastRunAt = "last_run_at"
        case nextRunAt = "next_run_at"
        case runCount = "run_count"
        case lastStatus = "last_status"
        case lastError = "last_error"
    }

    /// Creates the value.
    public init(
        problems: [ScheduleProblem], id: UUID, workspaceID: UUID, workspaceName: String, name: String,
        lastRunAt: Date? = nil, nextRunAt: Date? = nil, runCount: Int, lastStatus: ScheduleStatus? = nil,
        lastError: String? = nil
    ) {
        self.problems = problems
        self.id = id
        self.workspaceID = workspaceID
        self.workspaceName = workspaceName
        self.name = name
        self.lastRunAt = lastRunAt
        self.nextRunAt = nextRunAt
        self.runCount = runCount
        self.lastStatus = lastStatus
        self.lastError = lastError
    }
}

/// A problem of an enabled schedule.
public enum ScheduleProblem: String, Codable, Hashable, Sendable, CaseIterable {
    /// It is due, and has not fired.
    case late
    /// Its last run failed.
    case failing
    /// Its last three runs got empty responses.
    case stale
    /// Its last run was skipped.
    case skipped
}
