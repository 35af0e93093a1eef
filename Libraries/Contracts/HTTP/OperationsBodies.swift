import Foundation

/// When a pass last ran.
public struct SubsystemTick: Codable, Hashable, Sendable {
    /// Null when it never did.
    @OrNull public var lastTickAt: Date?
    /// How many whole seconds ago that is.
    @OrNull public var secondsAgo: Int?
    /// How long it took.
    @OrNull public var durationMilliseconds: Int?
    /// What it did, by name.
    public var counts: [String: Int]
    /// Why it failed since; null when it did not.
    @OrNull public var lastError: String?

    private enum CodingKeys: String, CodingKey {
        case lastTickAt = "last_tick_at"
        case secondsAgo = "seconds_ago"
        case durationMilliseconds = "duration_ms"
        case counts
        case lastError = "last_error"
    }

    /// Creates the value.
    public init(
        lastTickAt: Date? = nil, secondsAgo: Int? = nil, durationMilliseconds: Int? = nil, counts: [String: Int] = [:],
        lastError: String? = nil
    ) {
        self.lastTickAt = lastTickAt
        self.secondsAgo = secondsAgo
        self.durationMilliseconds = durationMilliseconds
        self.counts = counts
        self.lastError = lastError
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
    /// How often it died there so.
    public var deathCount: Int
    /// When it was put aside.
    public var receivedAt: Date
    /// When it was last sent again.
    @OrNull public var replayedAt: Date?
    /// How often.
    public var replayCount: Int
    /// Bytes.
    public var bodySize: Int

    private enum CodingKeys: String, CodingKey {
        case id
        case messageID = "message_id"
        case type
        case exchange
        case routingKey = "routing_key"
        case queue
        case reason
        case deathCount = "death_count"
        case receivedAt = "received_at"
        case replayedAt = "replayed_at"
        case replayCount = "replay_count"
        case bodySize = "body_size"
    }

    /// Creates the value.
    public init(
        id: Int64, messageID: String? = nil, type: String? = nil, exchange: String, routingKey: String,
        queue: String? = nil, reason: String? = nil, deathCount: Int = 1, receivedAt: Date, replayedAt: Date? = nil,
        replayCount: Int, bodySize: Int = 0
    ) {
        self.id = id
        self.messageID = messageID
        self.type = type
        self.exchange = exchange
        self.routingKey = routingKey
        self.queue = queue
        self.reason = reason
        self.deathCount = deathCount
        self.receivedAt = receivedAt
        self.replayedAt = replayedAt
        self.replayCount = replayCount
        self.bodySize = bodySize
    }
}

/// GET `/admin/dead-letters/{id}`.
public struct DeadMessageAnswer: Codable, Hashable, Sendable {
    /// The entry of the list.
    public var message: DeadMessage
    /// As its publisher said.
    @OrNull public var contentType: String?
    /// An object: its headers, with the broker's history of it.
    public var headers: RawJSON
    /// JSON as text; null for anything else.
    @OrNull public var body: String?
    /// Anything else.
    @OrNull public var bodyBase64: String?
    /// The body is longer than what is here.
    public var isTruncated: Bool

    private enum CodingKeys: String, CodingKey {
        case message
        case contentType = "content_type"
        case headers
        case body
        case bodyBase64 = "body_base64"
        case isTruncated = "is_truncated"
    }

    /// Creates the value.
    public init(
        message: DeadMessage, contentType: String? = nil, headers: RawJSON = .emptyObject, body: String? = nil,
        bodyBase64: String? = nil, isTruncated: Bool = false
    ) {
        self.message = message
        self.contentType = contentType
        self.headers = headers
        self.body = body
        self.bodyBase64 = bodyBase64
        self.isTruncated = isTruncated
    }
}
