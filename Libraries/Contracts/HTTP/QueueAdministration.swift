import Foundation

/// The state of a queue item, as operators see it.
public enum QueueState: String, Codable, Hashable, Sendable, CaseIterable {
    /// Waits for its first attempt.
    case waiting
    /// Waits after an attempt or a refusal.
    case retrying
    /// A delivery is in flight.
    case running
    /// The agent responded.
    case delivered
    /// Failed for good.
    case failed
    /// Expired, or cancelled.
    case dropped

    /// The state of an item with this status.
    public init(_ status: QueueStatus, attempts: Int, refusals: Int) {
        self =
            switch status {
            case .queued: attempts > 0 || refusals > 0 ? .retrying : .waiting
            case .dispatched: .running
            case .completed: .delivered
            case .failed: .failed
            case .dropped: .dropped
            }
    }
}

/// A step in the history of a queue item.
public enum QueueStep: String, Codable, Hashable, Sendable, CaseIterable {
    /// It was queued.
    case enqueued
    /// Its delivery started; of several deliveries the latest.
    case claimed
    /// The agent certainly did not receive it.
    case refused
    /// A delivery failed, or the item with it.
    case failed
    /// The agent may have received it, and no response came.
    case uncertain
    /// The agent responded.
    case delivered
    /// It was cancelled.
    case dropped
    /// It expired.
    case expired
    /// An operator retried it.
    case retried
}

/// An entry in the history of a queue item.
public struct QueueLogEntry: Codable, Hashable, Sendable {
    /// When it happened.
    public var at: Date
    /// The kind of step.
    public var kind: QueueStep
    /// The error, cut after 300 characters.
    @OrNull public var error: String?
    /// The agent's HTTP status.
    @OrNull public var status: Int?

    /// Creates the value.
    public init(at: Date, kind: QueueStep, error: String? = nil, status: Int? = nil) {
        self.at = at
        self.kind = kind
        self.error = error
        self.status = status
    }
}

/// An item of the fleet's queue as operators see it: the members of ``QueueItem`` and further ones.
public struct FleetQueueItem: Encodable, Hashable, Sendable {
    /// The item itself, without its response.
    public var item: QueueItem
    /// The target's name; null once it is purged.
    @OrNull public var targetName: String?
    /// The sender's name; null for a person, a schedule, or a purged workspace.
    @OrNull public var callerName: String?
    /// The earliest time of its next attempt; null when it waits for its target's heartbeat, or does not wait.
    @OrNull public var nextAttemptAt: Date?
    /// The id of its trace.
    @OrNull public var traceID: String?
    /// The size of its body in bytes.
    public var bodyBytes: Int
    /// Its history, oldest first; only for a single item.
    public var attemptsLog: [QueueLogEntry]?

    private enum CodingKeys: String, CodingKey {
        case state
        case targetName = "target_name"
        case callerName = "caller_name"
        case nextAttemptAt = "next_attempt_at"
        case traceID = "trace_id"
        case bodyBytes = "body_bytes"
        case attemptsLog = "attempts_log"
    }

    /// Creates the value.
    public init(
        item: QueueItem, targetName: String?, callerName: String?, nextAttemptAt: Date?, traceID: String?,
        bodyBytes: Int, attemptsLog: [QueueLogEntry]? = nil
    ) {
        self.item = item
        self.targetName = targetName
        self.callerName = callerName
        self.nextAttemptAt = nextAttemptAt
        self.traceID = traceID
        self.bodyBytes = bodyBytes
        self.attemptsLog = attemptsLog
    }

    /// Its state.
    public var state: QueueState { QueueState(item.status, attempts: item.attempts, refusals: item.refusals) }

    /// Writes the item's members and the further ones as one object.
    public func encode(to encoder: any Encoder) throws {
        try item.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(state, forKey: .state)
        try container.encode(_targetName, forKey: .targetName)
        try container.encode(_callerName, forKey: .callerName)
        try container.encode(_nextAttemptAt, forKey: .nextAttemptAt)
        try container.encode(_traceID, forKey: .traceID)
        try container.encode(bodyBytes, forKey: .bodyBytes)
        try container.encodeIfPresent(attemptsLog, forKey: .attemptsLog)
    }
}

/// The response to GET `/admin/queue`.
public struct FleetQueuePage: Encodable, Hashable, Sendable {
    /// The items, newest first.
    public var items: [FleetQueueItem]
    /// How many items the filter matches, counted up to ``Limits/queueCount``.
    public var total: Int
    /// Whether `total` is exact.
    public var totalIsExact: Bool
    /// The cursor of the next page; null at the end.
    @OrNull public var nextCursor: String?

    private enum CodingKeys: String, CodingKey {
        case items
        case total
        case totalIsExact = "total_is_exact"
        case nextCursor = "next_cursor"
    }

    /// Creates the value.
    public init(items: [FleetQueueItem], total: Int, totalIsExact: Bool, nextCursor: String?) {
        self.items = items
        self.total = total
        self.totalIsExact = totalIsExact
        self.nextCursor = nextCursor
    }
}

/// The response to a bulk change: POST `/admin/queue/retry`, `cancel` and `expire`.
public struct QueueChangeResponse: Codable, Hashable, Sendable {
    /// How many items the filter matched that can be changed, counted up to ``Limits/queueChangeCount``.
    public var matched: Int
    /// How many items were changed.
    public var changed: Int
    /// How many items remain for another call, counted up to ``Limits/queueChangeCount``.
    public var left: Int
    /// Why it stopped early, when it failed after some items were changed.
    public var stopped: String?

    /// Creates the value.
    public init(matched: Int, changed: Int, left: Int, stopped: String? = nil) {
        self.matched = matched
        self.changed = changed
        self.left = left
        self.stopped = stopped
    }
}
