/// The exchanges and queues of the broker, as plain values: the AMQP client declares them on every connection.
public enum Topology {
    /// The topic exchange that every event goes through; the routing key is the event's type.
    public static let events = Exchange(name: "switchyard.events")

    /// Dead-lettered messages of all work queues, kept for inspection and replay.
    /// If a broker policy limits its length, it rejects further messages, which then stay in their source queues.
    public static let dead = Queue(
        name: "switchyard.dead", durability: .durable,
        arguments: ["x-queue-type": "quorum", "x-overflow": "reject-publish"])

    /// Batches of heartbeats, for competing A2A proxies. A heartbeat is obsolete after the next one, so the queue is
    /// transient, expires messages after 30 s and drops the oldest when it is full.
    public static let heartbeats = Queue(
        name: "a2a.heartbeats", durability: .transient, bindings: [EventType.heartbeatReceived.rawValue],
        arguments: [
            "x-message-ttl": 30_000, "x-max-length": 20_000, "x-max-length-bytes": 67_108_864,
            "x-overflow": "drop-head",
        ])

    /// Events after which queued messages may be deliverable, for competing A2A proxies.
    public static let drain = Queue(
        name: "a2a.drain", durability: .durable,
        bindings: routingKeys(
            .a2aQueued, .a2aCompleted, .a2aFailed, .a2aDropped, .delegationSent, .scheduleFired, .workspaceOnline),
        arguments: workArguments)

    /// Events that require starting or stopping containers, for competing sweepers.
    public static let lifecycle = Queue(
        name: "sweep.lifecycle", durability: .durable,
        bindings: routingKeys(.workspaceProvisioning, .workspaceOffline, .workspaceHibernated, .workspaceRemoved),
        arguments: workArguments)

    /// All events, for one notifier instance. Deleted with its connection: viewers resume from Postgres.
    /// - Parameter instance: unique to the process.
    public static func notify(instance: String) -> Queue {
        Queue(
            name: "notify.\(instance)", durability: .exclusive, bindings: ["#"],
            arguments: ["x-max-length": 100_000, "x-overflow": "drop-head"])
    }

    /// Events that invalidate caches, for one process. An event missed while disconnected does not matter if the
    /// process clears its caches after every reconnect.
    /// - Parameters:
    ///   - service: the service's name.
    ///   - instance: unique to the process.
    public static func invalidation(service: String, instance: String) -> Queue {
        Queue(
            name: "cache.\(service).\(instance)", durability: .exclusive,
            bindings: EventType.allCases.filter(\.invalidatesCaches).map(\.rawValue),
            arguments: ["x-max-length": 100_000, "x-overflow": "drop-head"])
    }

    /// How often a message of a work queue is delivered before it is dead-lettered.
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
    /// Its type in AMQP terms, always a topic exchange.
    public let kind = "topic"
    /// Whether it survives a restart of the broker, always true.
    public let isDurable = true
}

/// A queue with its bindings to ``Topology/events``.
public struct Queue: Hashable, Sendable {
    /// How long a queue lives.
    public enum Durability: Hashable, Sendable {
        /// Until it is deleted; it survives a restart of the broker.
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
    /// The arguments it is declared with.
    public let arguments: [String: Argument]

    /// The queue for its dead-lettered messages; nil when they are dropped.
    public var deadLetterQueue: String? {
        if case .string(let name) = arguments["x-dead-letter-routing-key"] { name } else { nil }
    }

    /// How often a message is delivered before it is dead-lettered; nil without a limit.
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
