import Foundation

/// The answer to a run by hand.
public struct ScheduleFired: Codable, Hashable, Sendable {
    /// Always `fired`.
    public var status: String
    /// Who was told.
    public var workspaceID: UUID
    /// What.
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
    /// When.
    public var timestamp: Date
    /// How long it took.
    @OrNull public var durationMilliseconds: Int?
    /// How it ended.
    public var status: String
    /// What went wrong.
    @OrNull public var errorDetail: String?
    /// Schedule_id, schedule_name, cron_expr and prompt.
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

/// A schedule as peers see it: never what it says or when.
public struct ScheduleHealth: Codable, Hashable, Sendable {
    /// The schedule.
    public var id: UUID
    /// Whose it is.
    public var workspaceID: UUID
    /// Its name.
    public var name: String
    /// Whether it fires.
    public var enabled: Bool
    /// When it last fired.
    @OrNull public var lastRunAt: Date?
    /// When it fires next.
    @OrNull public var nextRunAt: Date?
    /// How often it ran or was skipped.
    public var runCount: Int
    /// How that ended.
    @OrNull public var lastStatus: ScheduleStatus?
    /// What went wrong.
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

/// A schedule that is not as it should be, as operators see it.
public struct TroubledSchedule: Codable, Hashable, Sendable {
    /// What is wrong with it, the gravest first.
    public var problems: [ScheduleProblem]
    /// The schedule.
    public var id: UUID
    /// Whose it is.
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
    /// How that ended.
    @OrNull public var lastStatus: ScheduleStatus?
    /// What went wrong.
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

/// What may be wrong with an enabled schedule.
public enum ScheduleProblem: String, Codable, Hashable, Sendable, CaseIterable {
    /// Its time has passed and nothing was fired.
    case late
    /// Its last run failed.
    case failing
    /// Its last three runs were answered with nothing.
    case stale
    /// Its last run was skipped.
    case skipped
}
