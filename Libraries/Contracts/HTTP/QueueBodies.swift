import Foundation

/// The 202 to a message for a busy target.
public struct QueuedAnswer: Codable, Hashable, Sendable {
    /// Always true.
    public var queued: Bool
    /// The item.
    public var queueID: UUID
    /// How many wait for the target.
    public var queueDepth: Int
    /// A sentence for people.
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
    /// The item.
    public var queueID: UUID
    /// The target.
    public var workspaceID: UUID
    /// Who sent it; null for a person or a schedule.
    @OrNull public var callerID: UUID?
    /// Where it is.
    public var status: QueueStatus
    /// How urgent it is.
    public var priority: Priority
    /// The JSON-RPC method.
    public var method: String
    /// Counted attempts.
    public var attempts: Int
    /// Deliveries that certainly did not arrive, which are no attempts.
    public var refusals = 0
    /// The agent may have seen it.
    public var deliveryUncertain: Bool
    /// What went wrong last.
    @OrNull public var lastError: String?
    /// The delegation it carries.
    @OrNull public var delegationID: UUID?
    /// The schedule that fired it.
    @OrNull public var scheduleID: UUID?
    /// When it was stored.
    public var enqueuedAt: Date
    /// When it was last sent.
    @OrNull public var dispatchedAt: Date?
    /// When it ended.
    @OrNull public var completedAt: Date?
    /// When it is dropped if nothing happens.
    public var expiresAt: Date
    /// The agent's status, once completed.
    public var responseStatus: Int?
    /// The agent's answer, once completed and only for one item: JSON as it came, everything else as a string.
    public var response: RawJSON?
    /// The answer's very bytes, where that string is not all of it because they are no UTF-8.
    public var responseBase64: String?
    /// Its place among those that wait for the target, 1 for the next; nil for an item that does not wait.
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

/// POST `/admin/a2a-queue/drop-stale`.
public struct DropStaleAnswer: Codable, Hashable, Sendable {
    /// How many items.
    public var dropped: Int

    private enum CodingKeys: String, CodingKey {
        case dropped
    }

    /// Creates the value.
    public init(dropped: Int) {
        self.dropped = dropped
    }
}
