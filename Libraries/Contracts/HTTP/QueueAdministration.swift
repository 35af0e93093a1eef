import Foundation

/// The states of queue items that operators tell apart.
public enum QueueState: String, Codable, Hashable, Sendable, CaseIterable {
    /// Waits, and was not tried.
    case waiting
    /// Waits after an attempt or a refusal.
    case retrying
    /// Is being delivered.
    case running
    /// The agent answered.
    case delivered
    /// Gave up.
    case failed
    /// Expired, or taken out by someone.
    case dropped

    /// Of an item with this status.
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

/// What can happen to a queue item.
public enum QueueStep: String, Codable, Hashable, Sendable, CaseIterable {
    /// It was stored.
    case enqueued
    /// Its delivery began; of several deliveries the newest.
    case claimed
    /// The agent certainly did not take it.
    case refused
    /// A delivery failed, or the item with it.
    case failed
    /// The agent may have it, and no answer came.
    case uncertain
    /// The agent answered.
    case delivered
    /// It was taken out.
    case dropped
    /// Nobody took it in time.
    case expired
    /// An operator had it tried once more.
    case retried
}

/// One line of the story of a queue item.
public struct QueueLogEntry: Codable, Hashable, Sendable {
    /// When.
    public var at: Date
    /// What.
    public var kind: QueueStep
    /// What went wrong, cut after 300 characters.
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

/// An item of the fleet's queue as operators see it: the members of ``QueueItem`` and these.
public struct FleetQueueItem: Encodable, Hashable, Sendable {
    /// The item itself, without its response.
    public var item: QueueItem
    /// The target's name; null once it is purged.
    @OrNull public var targetName: String?
    /// The sender's name; null for a person, a schedule, and a workspace that is purged.
    @OrNull public var callerName: String?
    /// When it is tried next, or not before; null for what waits for its target's heartbeat, and does not wait.
    @OrNull public var nextAttemptAt: Date?
    /// Of its trace.
    @OrNull public var traceID: String?
    /// Of its body.
    public var bodyBytes: Int
    /// Its story, oldest first; only for one item.
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

    /// Which of the states it is in.
    public var state: QueueState { QueueState(item.status, attempts: item.attempts, refusals: item.refusals) }

    /// Writes the item's members and its own as one object.
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

/// GET `/admin/queue`.
public struct FleetQueuePage: Encodable, Hashable, Sendable {
    /// Newest first.
    public var items: [FleetQueueItem]
    /// How many the filter matches, counted no further than to ten thousand.
    public var total: Int
    /// Whether there are no more than that.
    public var totalIsExact: Bool
    /// Where the next page begins; null at the end.
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

/// What a change of many did: POST `/admin/queue/retry`, `cancel` and `expire`.
public struct QueueChangeAnswer: Codable, Hashable, Sendable {
    /// How many the filter matched that the change is possible for, counted no further than to 100 000.
    public var matched: Int
    /// How many were changed.
    public var changed: Int
    /// How many are left for another call, counted no further than to 100 000.
    public var left: Int
    /// Why it ended before its time, where something failed after some were changed.
    public var stopped: String?

    /// Creates the value.
    public init(matched: Int, changed: Int, left: Int, stopped: String? = nil) {
        self.matched = matched
        self.changed = changed
        self.left = left
        self.stopped = stopped
    }
}
