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
