import Foundation

/// The activity feed has a new row; request and response bodies are only in the row.
public struct ActivityLogged: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.activityLogged]

    /// The row.
    public var id: UUID
    /// The workspace whose feed it is in.
    public var workspaceID: UUID
    /// Its kind.
    public var activityType: ActivityType
    /// The workspace that sent it; null for a person or a schedule.
    @OrNull public var sourceID: UUID?
    /// The workspace that received it.
    @OrNull public var targetID: UUID?
    /// The JSON-RPC method.
    @OrNull public var method: String?
    /// One line for people.
    @OrNull public var summary: String?
    /// `ok`, `error` or what the reporter said.
    public var status: String
    /// How long it took.
    @OrNull public var durationMilliseconds: Int?
    /// What went wrong.
    @OrNull public var errorDetail: String?
    /// When it was written.
    public var createdAt: Date

    private enum CodingKeys: String, CodingKey {
        case id
        case workspaceID = "workspace_id"
        case activityType = "activity_type"
        case sourceID = "source_id"
        case targetID = "target_id"
        case method
        case summary
        case status
        case durationMilliseconds = "duration_ms"
        case errorDetail = "error_detail"
        case createdAt = "created_at"
    }

    /// Creates the value.
    public init(
        id: UUID, workspaceID: UUID, activityType: ActivityType, sourceID: UUID? = nil, targetID: UUID? = nil,
        method: String? = nil, summary: String? = nil, status: String, durationMilliseconds: Int? = nil,
        errorDetail: String? = nil, createdAt: Date
    ) {
        self.id = id
        self.workspaceID = workspaceID
        self.activityType = activityType
        self.sourceID = sourceID
        self.targetID = targetID
        self.method = method
        self.summary = summary
        self.status = status
        self.durationMilliseconds = durationMilliseconds
        self.errorDetail = errorDetail
        self.createdAt = createdAt
    }
}

/// An agent sent a message to a person.
public struct AgentMessage: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.agentMessage]

    /// The message's text.
    public var message: String
    /// The agent's workspace.
    public var workspaceID: UUID
    /// The workspace's name.
    public var name: String
    /// Files, left out when there are none.
    public var attachments: [Attachment]?

    private enum CodingKeys: String, CodingKey {
        case message
        case workspaceID = "workspace_id"
        case name
        case attachments
    }

    /// Creates the value.
    public init(message: String, workspaceID: UUID, name: String, attachments: [Attachment]? = nil) {
        self.message = message
        self.workspaceID = workspaceID
        self.name = name
        self.attachments = attachments
    }
}

/// A schedule fired, got its response, or was skipped.
public struct ScheduleChanged: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.scheduleFired, .scheduleExecuted, .scheduleSkipped]

    /// The schedule.
    public var scheduleID: UUID
    /// Its name.
    public var scheduleName: String
    /// `fired`, or the outcome: `ok`, `error`, `skipped`, `stale`.
    public var status: String
    /// What went wrong, or why it was skipped.
    public var error: String?
    /// The queue item of the fired message.
    public var queueID: UUID?

    private enum CodingKeys: String, CodingKey {
        case scheduleID = "schedule_id"
        case scheduleName = "schedule_name"
        case status
        case error
        case queueID = "queue_id"
    }

    /// Creates the value.
    public init(scheduleID: UUID, scheduleName: String, status: String, error: String? = nil, queueID: UUID? = nil) {
        self.scheduleID = scheduleID
        self.scheduleName = scheduleName
        self.status = status
        self.error = error
        self.queueID = queueID
    }
}
