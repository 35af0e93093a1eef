import Foundation

/// The last run of a periodic background pass.
public struct SubsystemTick: Codable, Hashable, Sendable {
    /// When it last ran; null when it never did.
    @OrNull public var lastTickAt: Date?
    /// How many whole seconds ago that was.
    @OrNull public var secondsAgo: Int?
    /// How long it took.
    @OrNull public var durationMilliseconds: Int?
    /// What it did: counts by name.
    public var counts: [String: Int]
    /// The error of a later run that failed; null without one.
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

/// The response to GET `/admin/liveness`.
public struct LivenessResponse: Codable, Hashable, Sendable {
    /// The passes, by name.
    public var subsystems: [String: SubsystemTick]

    private enum CodingKeys: String, CodingKey {
        case subsystems
    }

    /// Creates the value.
    public init(subsystems: [String: SubsystemTick]) {
        self.subsystems = subsystems
    }
}

/// The response to POST `/admin/workspace-images/refresh`.
public struct ImageRefreshResponse: Codable, Hashable, Sendable {
    /// Runtimes whose image was pulled.
    public var pulled: [String]
    /// Runtimes whose image could not be pulled.
    public var failed: [String]
    /// Containers that were recreated.
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

/// A dead-lettered message.
public struct DeadMessage: Codable, Hashable, Sendable {
    /// Its id.
    public var id: Int64
    /// The event's id.
    @OrNull public var messageID: String?
    /// The event's type.
    @OrNull public var type: String?
    /// The exchange that it was published to.
    public var exchange: String
    /// Its routing key.
    public var routingKey: String
    /// The queue that dead-lettered it.
    @OrNull public var queue: String?
    /// Why it was dead-lettered.
    @OrNull public var reason: String?
    /// How often that queue dead-lettered it for that reason.
    public var deathCount: Int
    /// When it was stored.
    public var receivedAt: Date
    /// When it was last replayed.
    @OrNull public var replayedAt: Date?
    /// How often it was replayed.
    public var replayCount: Int
    /// The size of its body in bytes.
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

/// The response to GET `/admin/dead-letters/{id}`.
public struct DeadMessageResponse: Codable, Hashable, Sendable {
    /// The entry of the list.
    public var message: DeadMessage
    /// Its content type, as published.
    @OrNull public var contentType: String?
    /// An object: its headers, including the broker's dead-letter history.
    public var headers: RawJSON
    /// A JSON body as text; null for any other body.
    @OrNull public var body: String?
    /// Any other body, in base64.
    @OrNull public var bodyBase64: String?
    /// Whether the body here is truncated.
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
