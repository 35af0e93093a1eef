import Foundation

/// When a pass last ran.
public struct SubsystemTick: Codable, Hashable, Sendable {
    /// Null when it never did.
    @OrNull public var lastTickAt: Date?
    /// How long ago that is.
    @OrNull public var secondsAgo: Double?

    private enum CodingKeys: String, CodingKey {
        case lastTickAt = "last_tick_at"
        case secondsAgo = "seconds_ago"
    }

    /// Creates the value.
    public init(lastTickAt: Date? = nil, secondsAgo: Double? = nil) {
        self.lastTickAt = lastTickAt
        self.secondsAgo = secondsAgo
    }
}

/// GET `/admin/liveness`.
public struct LivenessAnswer: Codable, Hashable, Sendable {
    /// By the pass's name.
    public var subsystems: [String: SubsystemTick]

    private enum CodingKeys: String, CodingKey {
        case subsystems
    }

    /// Creates the value.
    public init(subsystems: [String: SubsystemTick]) {
        self.subsystems = subsystems
    }
}

/// POST `/admin/workspace-images/refresh`.
public struct ImageRefreshAnswer: Codable, Hashable, Sendable {
    /// Runtimes whose image was pulled.
    public var pulled: [String]
    /// Runtimes that could not be.
    public var failed: [String]
    /// Containers that were made anew.
    public var recreated: [String]

    private enum CodingKeys: String, CodingKey {
        case pulled
        case failed
        case recreated
    }

    /// Creates the value.
    public init(pulled: [String], failed: [String], recreated: [String]) {
        self.pulled = pulled
        self.failed = failed
        self.recreated = recreated
    }
}

/// A message that nobody could handle.
public struct DeadMessage: Codable, Hashable, Sendable {
    /// Its row.
    public var id: Int64
    /// The event's id.
    @OrNull public var messageID: String?
    /// The event's type.
    @OrNull public var type: String?
    /// Where it was published.
    public var exchange: String
    /// With which key.
    public var routingKey: String
    /// Where it died.
    @OrNull public var queue: String?
    /// Why.
    @OrNull public var reason: String?
    /// When it was put aside.
    public var receivedAt: Date
    /// When it was last sent again.
    @OrNull public var replayedAt: Date?
    /// How often.
    public var replayCount: Int

    private enum CodingKeys: String, CodingKey {
        case id
        case messageID = "message_id"
        case type
        case exchange
        case routingKey = "routing_key"
        case queue
        case reason
        case receivedAt = "received_at"
        case replayedAt = "replayed_at"
        case replayCount = "replay_count"
    }

    /// Creates the value.
    public init(
        id: Int64, messageID: String? = nil, type: String? = nil, exchange: String, routingKey: String,
        queue: String? = nil, reason: String? = nil, receivedAt: Date, replayedAt: Date? = nil, replayCount: Int
    ) {
        self.id = id
        self.messageID = messageID
        self.type = type
        self.exchange = exchange
        self.routingKey = routingKey
        self.queue = queue
        self.reason = reason
        self.receivedAt = receivedAt
        self.replayedAt = replayedAt
        self.replayCount = replayCount
    }
}
