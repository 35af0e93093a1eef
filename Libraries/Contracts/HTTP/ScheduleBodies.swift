import Foundation

/// POST `/workspaces/{id}/schedules`.
public struct CreateScheduleRequest: Codable, Hashable, Sendable {
    /// Unique in its workspace unless empty.
    public var name: String
    /// Required; empty when missing, for which the route has an error message of its own.
    public var cronExpression: String
    /// A name of the tz database.
    public var timezone: String
    /// The text to send to the workspace; required, as `cronExpression`.
    public var prompt: String
    /// Whether it is enabled.
    public var enabled: Bool
    /// How a slot is handled while the run before it still waits or runs.
    public var overlap: ScheduleOverlap
    /// How slots are handled that passed while nothing could fire.
    public var missed: MissedSlots

    private enum CodingKeys: String, CodingKey {
        case name
        case cronExpression = "cron_expr"
        case timezone
        case prompt
        case enabled
        case overlap
        case missed
    }

    /// Creates the value.
    public init(
        name: String = "", cronExpression: String = "", timezone: String = "UTC", prompt: String = "",
        enabled: Bool = true, overlap: ScheduleOverlap = .skip, missed: MissedSlots = .once
    ) {
        self.name = name
        self.cronExpression = cronExpression
        self.timezone = timezone
        self.prompt = prompt
        self.enabled = enabled
        self.overlap = overlap
        self.missed = missed
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.decodeIfPresent(String.self, forKey: .name) ?? ""
        cronExpression = try container.decodeIfPresent(String.self, forKey: .cronExpression) ?? ""
        timezone = try container.decodeIfPresent(String.self, forKey: .timezone) ?? "UTC"
        prompt = try container.decodeIfPresent(String.self, forKey: .prompt) ?? ""
        enabled = try container.decodeIfPresent(Bool.self, forKey: .enabled) ?? true
        overlap = try container.decodeIfPresent(ScheduleOverlap.self, forKey: .overlap) ?? .skip
        missed = try container.decodeIfPresent(MissedSlots.self, forKey: .missed) ?? .once
    }
}

/// PATCH of a schedule: members that are present change.
public struct UpdateScheduleRequest: Codable, Hashable, Sendable {
    /// Its name.
    public var name: Change<String>
    /// Its cron expression.
    public var cronExpression: Change<String>
    /// The time zone of the expression.
    public var timezone: Change<String>
    /// The text to send to the workspace.
    public var prompt: Change<String>
    /// Whether it is enabled.
    public var enabled: Change<Bool>
    /// How a slot is handled while the run before it still waits or runs.
    public var overlap: Change<ScheduleOverlap>
    /// How slots are handled that passed while nothing could fire.
    public var missed: Change<MissedSlots>

    private enum CodingKeys: String, CodingKey {
        case name
        case cronExpression = "cron_expr"
        case timezone
        case prompt
        case enabled
        case overlap
        case missed
    }

    /// Creates the value.
    public init(
        name: Change<String> = .unchanged, cronExpression: Change<String> = .unchanged,
        timezone: Change<String> = .unchanged, prompt: Change<String> = .unchanged,
        enabled: Change<Bool> = .unchanged, overlap: Change<ScheduleOverlap> = .unchanged,
        missed: Change<MissedSlots> = .unchanged
    ) {
        self.name = name
        self.cronExpression = cronExpression
        self.timezone = timezone
        self.prompt = prompt
        self.enabled = enabled
        self.overlap = overlap
        self.missed = missed
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        name = try container.change(String.self, forKey: .name)
        cronExpression = try container.change(String.self, forKey: .cronExpression)
        timezone = try container.change(String.self, forKey: .timezone)
        prompt = try container.change(String.self, forKey: .prompt)
        enabled = try container.change(Bool.self, forKey: .enabled)
        overlap = try container.change(ScheduleOverlap.self, forKey: .overlap)
        missed = try container.change(MissedSlots.self, forKey: .missed)
    }

    /// Writes the members that change.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, changeFor: .name)
        try container.encode(cronExpression, changeFor: .cronExpression)
        try container.encode(timezone, changeFor: .timezone)
        try container.encode(prompt, changeFor: .prompt)
        try container.encode(enabled, changeFor: .enabled)
        try container.encode(overlap, changeFor: .overlap)
        try container.encode(missed, changeFor: .missed)
    }
}

/// The 201 response to the creation of a schedule.
public struct ScheduleCreated: Codable, Hashable, Sendable {
    /// The schedule's id.
    public var id: UUID
    /// Always `created`.
    public var status: String
    /// When it fires next; null while disabled.
    @OrNull public var nextRunAt: Date?

    private enum CodingKeys: String, CodingKey {
        case id
        case status
        case nextRunAt = "next_run_at"
    }

    /// Creates the value.
    public init(id: UUID, status: String = "created", nextRunAt: Date? = nil) {
        self.id = id
        self.status = status
        self.nextRunAt = nextRunAt
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(UUID.self, forKey: .id)
        status = try container.decodeIfPresent(String.self, forKey: .status) ?? "created"
        nextRunAt = try container.decodeIfPresent(Date.self, forKey: .nextRunAt)
    }
}

/// The response to a change of a schedule.
public struct ScheduleUpdated: Codable, Hashable, Sendable {
    /// Always `updated`.
    public var status: String
    /// When it fires next; null while disabled.
    @OrNull public var nextRunAt: Date?

    private enum CodingKeys: String, CodingKey {
        case status
        case nextRunAt = "next_run_at"
    }

    /// Creates the value.
    public init(status: String = "updated", nextRunAt: Date? = nil) {
        self.status = status
        self.nextRunAt = nextRunAt
    }
}

/// A schedule.
public struct ScheduleEntry: Codable, Hashable, Sendable {
    /// The schedule's id.
    public var id: UUID
    /// The workspace that it belongs to.
    public var workspaceID: UUID
    /// Its name.
    public var name: String
    /// Its cron expression.
    public var cronExpression: String
    /// The time zone of the expression.
    public var timezone: String
    /// The text that it sends to the workspace.
    public var prompt: String
    /// Whether it is enabled.
    public var enabled: Bool
    /// How a slot is handled while the run before it still waits or runs.
    public var overlap: ScheduleOverlap
    /// How slots are handled that passed while nothing could fire.
    public var missed: MissedSlots
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
    /// `template` or `runtime`.
    public var source: String
    /// When it was created.
    public var createdAt: Date
    /// When it was last changed.
    public var updatedAt: Date

    private enum CodingKeys: String, CodingKey {
        case id
        case workspaceID = "workspace_id"
        case name
        case cronExpression = "cron_expr"
        case timezone
        case prompt
        case enabled
        case overlap
        case missed
        case lastRunAt = "last_run_at"
        case nextRunAt = "next_run_at"
        case runCount = "run_count"
        case lastStatus = "last_status"
        case lastError = "last_error"
        case source
        case createdAt = "created_at"
        case updatedAt = "updated_at"
    }

    /// Creates the value.
    public init(
        id: UUID, workspaceID: UUID, name: String, cronExpression: String, timezone: String, prompt: String,
        enabled: Bool, overlap: ScheduleOverlap = .skip, missed: MissedSlots = .once, lastRunAt: Date? = nil,
        nextRunAt: Date? = nil, runCount: Int, lastStatus: ScheduleStatus? = nil, lastError: String? = nil,
        source: String, createdAt: Date, updatedAt: Date
    ) {
        self.id = id
        self.workspaceID = workspaceID
        self.name = name
        self.cronExpression = cronExpression
        self.timezone = timezone
        self.prompt = prompt
        self.enabled = enabled
        self.overlap = overlap
        self.missed = missed
        self.lastRunAt = lastRunAt
        self.nextRunAt = nextRunAt
        self.runCount = runCount
        self.lastStatus = lastStatus
        self.lastError = lastError
        self.source = source
        self.createdAt = createdAt
        self.updatedAt = updatedAt
    }
}
