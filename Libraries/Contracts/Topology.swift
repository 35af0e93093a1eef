/// The exchanges and queues of the broker, as plain values: the AMQP client declares them on every connection.
public enum Topology {
    /// The topic exchange that every event goes through; the routing key is the event's type.
    public static let events = Exchange(name: "switchyard.events")

    /// What no consumer could handle, kept for whoever looks into it.
    /// Should an operator's policy bound it, it refuses what is too much: the queues that it comes from then keep it.
    public static let dead = Queue(
        name: "switchyard.dead", durability: .durable,
        arguments: ["x-queue-type": "quorum", "x-overflow": "reject-publish"])

    /// Batches of heartbeats for competing proxies. They are worth nothing after the next beat, so the queue lives in
    /// memory, forgets after 30 s and drops the oldest when nobody reads.
    public static let heartbeats = Queue(
        name: "a2a.heartbeats", durability: .transient, bindings: [EventType.heartbeatReceived.rawValue],
        arguments: [
            "x-message-ttl": 30_000, "x-max-length": 20_000, "x-max-length-bytes": 67_108_864,
            "x-overflow": "drop-head",
        ])

    /// What may have made work for a drain or room for it, for competing proxies.
    public static let drain = Queue(
        name: "a2a.drain", durability: .durable,
        bindings: routingKeys(
            .a2aQueued, .a2aCompleted, .a2aFailed, .a2aDropped, .delegationSent, .scheduleFired, .workspaceOnline),
        arguments: workArguments)

    /// What makes work for containers, for competing sweepers.
    public static let lifecycle = Queue(
        name: "sweep.lifecycle", durability: .durable,
        bindings: routingKeys(.workspaceProvisioning, .workspaceOffline, .workspaceHibernated, .workspaceRemoved),
        arguments: workArguments)

    /// Everything, for one notifier. It dies with its connection: viewers resume from Postgres.
    /// - Parameter instance: unique to the process.
    public static func notify(instance: String) -> Queue {
        Queue(
            name: "notify.\(instance)", durability: .exclusive, bindings: ["#"],
            arguments: ["x-max-length": 100_000, "x-overflow": "drop-head"])
    }

    /// What empties caches, for one process. An event missed while disconnected does not matter if the process
    /// empties its caches whenever it has reconnected.
    /// - Parameters:
    ///   - service: the service's name.
    ///   - instance: unique to the process.
    public static func invalidation(service: String, instance: String) -> Queue {
        Queue(
            name: "cache.\(service).\(instance)", durability: .exclusive,
            bindings: EventType.allCases.filter(\.invalidatesCaches).map(\.rawValue),
            arguments: ["x-max-length": 100_000, "x-overflow": "drop-head"])
    }

    /// How often a message of a work queue is handed out before it is dead.
    public static let deliveryLimit = 20

    /// Quorum queues dead-letter at least once only with `reject-publish`, which without a length limit never rejects.
    private static let workArguments: [String: Queue.Argument] = [
        "x-queue-type": "quorum", "x-delivery-limit": .integer(deliveryLimit),
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": .string(dead.name),
        "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish",
    ]

    private static func routingKeys(_ types: EventType...) -> [String] { types.map(\.rawValue) }
}

/// A durable topic exchange.
public struct Exchange: Hashable, Sendable {
    /// Its name.
    public let name: String
    /// Its kind, always a topic exchange.
    public let kind = "topic"
    /// It survives the broker's restart.
    public let isDurable = true
}

/// A queue with its bindings to ``Topology/events``.
public struct Queue: Hashable, Sendable {
    /// How long a queue lives.
    public enum Durability: Hashable, Sendable {
        /// As long as nobody deletes it.
        case durable
        /// Until the broker restarts.
        case transient
        /// As long as the connection that declared it.
        case exclusive
    }

    /// The value of a queue's argument.
    public enum Argument: Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
        /// A long string.
        case string(String)
        /// A 64-bit integer.
        case integer(Int)

        /// Creates a string.
        public init(stringLiteral value: String) { self = .string(value) }
        /// Creates an integer.
        public init(integerLiteral value: Int) { self = .integer(value) }
    }

    /// Its name.
    public let name: String
    /// How long it lives.
    public let durability: Durability
    /// The routing keys (or patterns) it is bound with.
    public let bindings: [String]
    /// What it is declared with.
    public let arguments: [String: Argument]

    /// Where messages go that nobody could handle; nil for a queue whose messages are not worth it.
    public var deadLetterQueue: String? {
        if case .string(let name) = arguments["x-dead-letter-routing-key"] { name } else { nil }
    }

    /// How often a message is handed out before it is dead, where that is bounded.
    public var deliveryLimit: Int? {
        if case .integer(let limit) = arguments["x-delivery-limit"] { limit } else { nil }
    }

    /// Creates the description of a queue.
    public init(
        name: String, durability: Durability, bindings: [String] = [], arguments: [String: Argument] = [:]
    ) {
        self.name = name
        self.durability = durability
        self.bindings = bindings
        self.arguments = arguments
    }
}
