/// What must exist on the broker; declared again on every (re)connection, since a broker may have lost it.
package struct AMQPTopology: Sendable, Hashable {
    package struct Exchange: Sendable, Hashable {
        package enum Kind: String, Sendable { case topic, direct, fanout, headers }

        package var name: String
        package var kind: Kind
        package var isDurable: Bool
        package var isAutoDelete: Bool

        package init(_ name: String, kind: Kind = .topic, isDurable: Bool = true, isAutoDelete: Bool = false) {
            self.name = name
            self.kind = kind
            self.isDurable = isDurable
            self.isAutoDelete = isAutoDelete
        }
    }

    package struct Queue: Sendable, Hashable {
        package var name: String
        package var isDurable: Bool
        /// Belongs to the connection that declares it, and is deleted with it.
        package var isExclusive: Bool
        /// Deleted with its last consumer.
        package var isAutoDelete: Bool
        package var arguments: [String: AMQPValue]

        package init(
            _ name: String, isDurable: Bool = true, isExclusive: Bool = false, isAutoDelete: Bool = false,
            arguments: [String: AMQPValue] = [:]
        ) {
            self.name = name
            self.isDurable = isDurable
            self.isExclusive = isExclusive
            self.isAutoDelete = isAutoDelete
            self.arguments = arguments
        }
    }

    package struct Binding: Sendable, Hashable {
        package var queue: String
        package var exchange: String
        package var routingKey: String

        package init(queue: String, exchange: String, routingKey: String) {
            self.queue = queue
            self.exchange = exchange
            self.routingKey = routingKey
        }
    }

    package var exchanges: [Exchange]
    package var queues: [Queue]
    package var bindings: [Binding]

    package init(exchanges: [Exchange] = [], queues: [Queue] = [], bindings: [Binding] = []) {
        self.exchanges = exchanges
        self.queues = queues
        self.bindings = bindings
    }
}

/// What a full queue does.
package enum AMQPOverflow: String, Sendable {
    case dropHead = "drop-head"
    case rejectPublish = "reject-publish"
}

extension AMQPTopology.Queue {
    /// A durable work queue: replicated where the broker is a cluster, with a limit on deliveries of a message.
    ///
    /// - Parameters:
    ///   - deliveryLimit: how often a message is redelivered before it is dead-lettered. RabbitMQ 3.x has no default
    ///     limit: a poison message would be redelivered for ever.
    ///   - deadLetterQueue: receives dead-lettered messages through the default exchange; `nil` drops them.
    ///   - maxLength: how many messages it holds at most.
    ///   - overflow: what happens to messages beyond `maxLength`.
    package static func work(
        _ name: String, deliveryLimit: Int, deadLetterQueue: String?, maxLength: Int? = nil,
        overflow: AMQPOverflow = .rejectPublish
    ) -> Self {
        var arguments: [String: AMQPValue] = ["x-queue-type": "quorum", "x-delivery-limit": .int(Int64(deliveryLimit))]
        if let deadLetterQueue {
            arguments["x-dead-letter-exchange"] = ""
            arguments["x-dead-letter-routing-key"] = .string(deadLetterQueue)
        }
        if let maxLength {
            arguments["x-max-length"] = .int(Int64(maxLength))
            arguments["x-overflow"] = .string(overflow.rawValue)
        }
        return Self(name, arguments: arguments)
    }

    /// A durable quorum queue for dead-lettered messages; it has no limits of its own.
    package static func deadLetters(_ name: String) -> Self {
        Self(name, arguments: ["x-queue-type": "quorum"])
    }

    /// A non-durable classic queue for messages that are worthless when late: bounded, it drops the oldest.
    ///
    /// - Parameters:
    ///   - timeToLiveMilliseconds: how long a message stays in it.
    ///   - maxLength: how many messages it holds; beyond it the oldest are dropped.
    package static func transient(
        _ name: String, timeToLiveMilliseconds: Int, maxLength: Int, isExclusive: Bool = false,
        isAutoDelete: Bool = false
    ) -> Self {
        Self(
            name, isDurable: false, isExclusive: isExclusive, isAutoDelete: isAutoDelete,
            arguments: [
                "x-message-ttl": .int(Int64(timeToLiveMilliseconds)), "x-max-length": .int(Int64(maxLength)),
                "x-overflow": .string(AMQPOverflow.dropHead.rawValue),
            ])
    }
}
