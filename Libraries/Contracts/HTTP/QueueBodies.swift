import Foundation

/// The 202 response to a message for a busy target, which was queued.
public struct QueuedResponse: Codable, Hashable, Sendable {
    /// Always true.
    public var queued: Bool
    /// The queue item.
    public var queueID: UUID
    /// How many messages wait for the target.
    public var queueDepth: Int
    /// An explanation for people.
    public var message: String

    private enum CodingKeys: String, CodingKey {
        case queued
        case queueID = "queue_id"
        case queueDepth = "queue_depth"
        case message
    }

    /// Creates the value.
    public init(queued: Bool = true, queueID: UUID, queueDepth: Int, message: String) {
        self.queued = queued
        self.queueID = queueID
        self.queueDepth = queueDepth
        self.message = message
    }

    /// Reads the members; those with a default may be missing.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        queued = try container.decodeIfPresent(Bool.self, forKey: .queued) ?? true
        queueID = try container.decode(UUID.self, forKey: .queueID)
        queueDepth = try container.decode(Int.self, forKey: .queueDepth)
        message = try container.decode(String.self, forKey: .message)
    }
}

/// An item of a workspace's queue, and GET `/queue/{queue_id}`.
public struct QueueItem: Codable, Hashable, Sendable {
    /// The queue item.
    public var queueID: UUID
    /// The target workspace.
    public var workspaceID: UUID
    /// The workspace that sent it; null for a person or a schedule.
    @OrNull public var callerID: UUID?
    /// Its status.
    public var status: QueueStatus
    /// Its priority.
    public var priority: Priority
    /// The JSON-RPC method.
    public var method: String
    /// How many delivery attempts were made.
    public var attempts: Int
    /// Deliveries that certainly did not reach the agent, which do not count as attempts.
    public var refusals = 0
    /// Whether the agent may have received it.
    public var deliveryUncertain: Bool
    /// The last error.
    @OrNull public var lastError: String?
    /// The delegation it carries.
    @OrNull public var delegationID: UUID?
    /// The schedule that fired it.
    @OrNull public var scheduleID: UUID?
    /// When it was stored.
    public var enqueuedAt: Date
    /// When its last delivery started.
    @OrNull public var dispatchedAt: Date?
    /// When it ended.
    @OrNull public var completedAt: Date?
    /// When it expires undelivered.
    public var expiresAt: Date
    /// The HTTP status of the agent's response, once completed.
    public var responseStatus: Int?
    /// The agent's response, once completed and only for a single item: JSON as received, anything else as a string.
    public var response: RawJSON?
    /// The response's bytes in base64, when they are not UTF-8 and the string is lossy.
    public var responseBase64: String?
    /// Its position among the items that wait for the target, 1 for the next; nil when it does not wait.
    public var position: Int?

    private enum CodingKeys: String, CodingKey {
        case queueID = "queue_id"
        case workspaceID = "workspace_id"
        case callerID = "caller_id"
        case status
        case priority
        case method
        case attempts
        case refusals
        case deliveryUncertain = "delivery_uncertain"
        case lastError = "last_error"
        case delegationID = "delegation_id"
        case scheduleID = "schedule_id"
        case enqueuedAt = "enqueued_at"
        case dispatchedAt = "dispatched_at"
        case completedAt = "completed_at"
        case expiresAt = "expires_at"
        case responseStatus = "response_status"
        case response
        case responseBase64 = "response_base64"
        case position
    }

    /// Creates the value.
    public init(
        queueID: UUID, workspaceID: UUID, callerID: UUID? = nil, status: QueueStatus, priority: Priority,
        method: String, attempts: Int, deliveryUncertain: Bool, lastError: String? = nil,
        delegationID: UUID? = nil, scheduleID: UUID? = nil, enqueuedAt: Date, dispatchedAt: Date? = nil,
        completedAt: Date? = nil, expiresAt: Date, responseStatus: Int? = nil, response: RawJSON? = nil
    ) {
        self.queueID = queueID
        self.workspaceID = workspaceID
        self.callerID = callerID
        self.status = status
        self.priority = priority
        self.method = method
        self.attempts = attempts
        self.deliveryUncertain = deliveryUncertain
        self.lastError = lastError
        self.delegationID = delegationID
        self.scheduleID = scheduleID
        self.enqueuedAt = enqueuedAt
        self.dispatchedAt = dispatchedAt
        self.completedAt = completedAt
        self.expiresAt = expiresAt
        self.responseStatus = responseStatus
        self.response = response
    }
}

/// The response to POST `/admin/a2a-queue/drop-stale`.
public struct DropStaleResponse: Codable, Hashable, Sendable {
    /// How many items were dropped.
    public var dropped: Int

    private enum CodingKeys: String, CodingKey {
        case dropped
    }

    /// Creates the value.
    public init(dropped: Int) {
        self.dropped = dropped
    }
}
