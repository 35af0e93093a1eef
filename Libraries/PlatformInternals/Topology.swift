import Contracts

/// The exchanges and queues of the broker, as plain values: the AMQP client declares them on every connection.
package enum Topology {
    /// The topic exchange that every event goes through; the routing key is the event's type.
    package static let events = BrokerExchange(name: "switchyard.events")

    /// Dead-lettered messages of all work queues, kept for inspection and replay.
    /// If a broker policy limits its length, it rejects further messages, which then stay in their source queues.
    package static let deadLetters = BrokerQueue(
        name: "switchyard.dead", durability: .durable,
        arguments: ["x-queue-type": "quorum", "x-overflow": "reject-publish"])

    /// Batches of heartbeats, for competing A2A proxies. A heartbeat is obsolete after the next one, so the queue is
    /// transient, expires messages after 30 s and drops the oldest when it is full.
    package static let heartbeats = BrokerQueue(
        name: "a2a.heartbeats", durability: .transient, bindings: [EventType.heartbeatReceived.rawValue],
        arguments: [
            "x-message-ttl": 30_000, "x-max-length": 20_000, "x-max-length-bytes": 67_108_864,
            "x-overflow": "drop-head",
        ])

    /// Events after which queued messages may be deliverable, for competing A2A proxies.
    package static let drain = BrokerQueue(
        name: "a2a.drain", durability: .durable,
        bindings: routingKeys(
            .a2aQueued, .a2aCompleted, .a2aFailed, .a2aDropped, .delegationSent, .scheduleFired, .workspaceOnline),
        arguments: workArguments)

    /// All events, for one notifier instance. Deleted with its connection: viewers resume from Postgres.
    /// - Parameter instance: unique to the process.
    package static func notifications(instance: String) -> BrokerQueue {
        BrokerQueue(
            name: "notify.\(instance)", durability: .exclusive, bindings: ["#"],
            arguments: ["x-max-length": 100_000, "x-overflow": "drop-head"])
    }

    /// Events that invalidate caches, for one process. An event missed while disconnected does not matter if the
    /// process clears its caches after every reconnect.
    /// - Parameters:
    ///   - service: the service's name.
    ///   - instance: unique to the process.
    package static func invalidation(service: String, instance: String) -> BrokerQueue {
        BrokerQueue(
            name: "cache.\(service).\(instance)", durability: .exclusive,
            bindings: EventType.allCases.filter(\.invalidatesCaches).map(\.rawValue),
            arguments: ["x-max-length": 100_000, "x-overflow": "drop-head"])
    }

    /// How often a message of a work queue is delivered before it is dead-lettered.
    package static let deliveryLimit = 20

    /// Quorum queues dead-letter at least once only with `reject-publish`, which without a length limit never rejects.
    private static let workArguments: [String: BrokerQueue.Argument] = [
        "x-queue-type": "quorum", "x-delivery-limit": .integer(deliveryLimit),
        "x-dead-letter-exchange": "", "x-dead-letter-routing-key": .string(deadLetters.name),
        "x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish",
    ]

    private static func routingKeys(_ types: EventType...) -> [String] { types.map(\.rawValue) }
}

/// A durable topic exchange.
package struct BrokerExchange: Hashable, Sendable {
    /// Its name.
    package let name: String
    /// Whether it survives a restart of the broker, always true.
    package let isDurable = true
}

/// A queue with its bindings to ``Topology/events``.
package struct BrokerQueue: Hashable, Sendable {
    /// How long a queue lives.
    package enum Durability: Hashable, Sendable {
        /// Until it is deleted; it survives a restart of the broker.
        case durable
        /// Until the broker restarts.
        case transient
        /// As long as the connection that declared it.
        case exclusive
    }

    /// The value of a queue's argument.
    package enum Argument: Hashable, Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
        /// A long string.
        case string(String)
        /// A 64-bit integer.
        case integer(Int)

        /// Creates a string.
        package init(stringLiteral value: String) { self = .string(value) }
        /// Creates an integer.
        package init(integerLiteral value: Int) { self = .integer(value) }
    }

    /// Its name.
    package let name: String
    /// How long it lives.
    package let durability: Durability
    /// The routing keys (or patterns) it is bound with.
    package let bindings: [String]
    /// The arguments it is declared with.
    package let arguments: [String: Argument]

    /// The queue for its dead-lettered messages; nil when they are dropped.
    package var deadLetterQueue: String? {
        if case .string(let name) = arguments["x-dead-letter-routing-key"] { name } else { nil }
    }

    /// How often a message is delivered before it is dead-lettered; nil without a limit.
    package var deliveryLimit: Int? {
        if case .integer(let limit) = arguments["x-delivery-limit"] { limit } else { nil }
    }

    /// Creates the description of a queue.
    package init(
        name: String, durability: Durability, bindings: [String] = [], arguments: [String: Argument] = [:]
    ) {
        self.name = name
        self.durability = durability
        self.bindings = bindings
        self.arguments = arguments
    }
}
