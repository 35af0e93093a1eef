/// A message to publish, or the content of one that was delivered.
package struct AMQPMessage: Sendable {
    /// Where it goes; empty is the default exchange, which routes to the queue named by `routingKey`.
    package var exchange: String
    package var routingKey: String
    package var body: [UInt8]
    package var messageID: String?
    package var type: String?
    package var contentType: String?
    package var correlationID: String?
    /// Delivery mode 2: kept on disk by durable queues.
    package var persistent: Bool
    /// Milliseconds after which the broker drops it from a queue; `nil` leaves that to the queue.
    package var expirationMilliseconds: Int?
    /// Whole seconds since 1970.
    package var timestamp: UInt64?
    package var headers: [String: AMQPValue]
    /// A broker without a queue for it returns it (``AMQPError/Code/unroutable``) instead of dropping and confirming
    /// it.
    package var mandatory = false

    package init(
        exchange: String, routingKey: String, body: [UInt8], messageID: String? = nil, type: String? = nil,
        contentType: String? = nil, correlationID: String? = nil, persistent: Bool = true,
        expirationMilliseconds: Int? = nil, timestamp: UInt64? = nil, headers: [String: AMQPValue] = [:]
    ) {
        self.exchange = exchange
        self.routingKey = routingKey
        self.body = body
        self.messageID = messageID
        self.type = type
        self.contentType = contentType
        self.correlationID = correlationID
        self.persistent = persistent
        self.expirationMilliseconds = expirationMilliseconds
        self.timestamp = timestamp
        self.headers = headers
    }
}

/// A message that a queue handed to a consumer.
package struct AMQPDelivery: Sendable {
    package let message: AMQPMessage
    /// Numbers the deliveries of one connection from 1.
    package let tag: UInt64
    /// The broker has delivered it before, to any consumer.
    package let isRedelivered: Bool

    package init(message: AMQPMessage, tag: UInt64, isRedelivered: Bool) {
        self.message = message
        self.tag = tag
        self.isRedelivered = isRedelivered
    }

    /// Earlier deliveries, as a quorum queue counts them; nil from other queues.
    package var deliveryCount: Int? {
        message.headers["x-delivery-count"]?.integer.map(Int.init)
    }
}

/// A handler's outcome for a delivery.
package enum AMQPOutcome: Sendable, Hashable {
    /// Handled: acknowledged, it leaves the queue.
    case done
    /// Requeued after a growing delay, until a quorum queue's delivery limit.
    case retry
    /// Rejected: dead-lettered where the queue is configured so, else dropped.
    case reject
}
