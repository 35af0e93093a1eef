import Foundation

/// A message was queued for a busy target.
public struct A2AQueued: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.a2aQueued]

    /// The queue item.
    public var queueID: UUID
    /// The workspace that sent it; null for a person or a schedule.
    @OrNull public var callerID: UUID?
    /// How many messages wait for the target.
    public var queueDepth: Int
    /// The JSON-RPC method.
    public var method: String
    /// The delegation it carries.
    public var delegationID: UUID?
    /// The schedule that fired it.
    public var scheduleID: UUID?

    private enum CodingKeys: String, CodingKey {
        case queueID = "queue_id"
        case callerID = "caller_id"
        case queueDepth = "queue_depth"
        case method
        case delegationID = "delegation_id"
        case scheduleID = "schedule_id"
    }

    /// Creates the value.
    public init(
        queueID: UUID, callerID: UUID? = nil, queueDepth: Int, method: String, delegationID: UUID? = nil,
        scheduleID: UUID? = nil
    ) {
        self.queueID = queueID
        self.callerID = callerID
        self.queueDepth = queueDepth
        self.method = method
        self.delegationID = delegationID
        self.scheduleID = scheduleID
    }
}

/// A queued message belongs to a context. The event's subject is its target; there is no other data.
public struct A2AContextWaiting: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.a2aContextWaiting]

    /// Creates the value.
    public init() {}
}

/// A queued message was delivered, failed or was dropped.
public struct A2AOutcome: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.a2aCompleted, .a2aFailed, .a2aDropped]

    /// The queue item.
    public var queueID: UUID
    /// How many delivery attempts were made.
    public var attempts: Int
    /// Why it was not delivered.
    public var error: String?
    /// The delegation it carried.
    public var delegationID: UUID?
    /// The schedule that fired it.
    public var scheduleID: UUID?

    private enum CodingKeys: String, CodingKey {
        case queueID = "queue_id"
        case attempts
        case error
        case delegationID = "delegation_id"
        case scheduleID = "schedule_id"
    }

    /// Creates the value.
    public init(
        queueID: UUID, attempts: Int, error: String? = nil, delegationID: UUID? = nil, scheduleID: UUID? = nil
    ) {
        self.queueID = queueID
        self.attempts = attempts
        self.error = error
        self.delegationID = delegationID
        self.scheduleID = scheduleID
    }
}

/// A call of the console got its response.
public struct A2AResponse: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [.a2aResponse]

    /// The agent's response.
    public var responseBody: RawJSON
    /// The JSON-RPC method.
    public var method: String
    /// How long it took.
    public var durationMilliseconds: Int

    private enum CodingKeys: String, CodingKey {
        case responseBody = "response_body"
        case method
        case durationMilliseconds = "duration_ms"
    }

    /// Creates the value.
    public init(responseBody: RawJSON, method: String, durationMilliseconds: Int) {
        self.responseBody = responseBody
        self.method = method
        self.durationMilliseconds = durationMilliseconds
    }
}

/// A delegation changed its status.
public struct DelegationChanged: EventData {
    /// The events whose data this is.
    public static let types: [EventType] = [
        .delegationSent, .delegationStatus, .delegationCompleted, .delegationFailed,
    ]

    /// The delegation.
    public var delegationID: UUID
    /// The workspace that it was delegated to.
    public var targetID: UUID
    /// Its new status.
    public var status: DelegationStatus
    /// The first 100 characters of the task.
    public var taskPreview: String?
    /// The first 200 characters of the response.
    public var responsePreview: String?
    /// Why it failed.
    public var error: String?
    /// `queue_drain` when the result came out of the queue.
    public var via: String?

    private enum CodingKeys: String, CodingKey {
        case delegationID = "delegation_id"
        case targetID = "target_id"
        case status
        case taskPreview = "task_preview"
        case responsePreview = "response_preview"
        case error
        case via
    }

    /// Creates the value.
    public init(
        delegationID: UUID, targetID: UUID, status: DelegationStatus, taskPreview: String? = nil,
        responsePreview: String? = nil, error: String? = nil, via: String? = nil
    ) {
        self.delegationID = delegationID
        self.targetID = targetID
        self.status = status
        self.taskPreview = taskPreview
        self.responsePreview = responsePreview
        self.error = error
        self.via = via
    }
}
