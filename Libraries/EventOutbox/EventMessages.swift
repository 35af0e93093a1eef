import AMQPClient
import Contracts

extension CloudEvent {
    /// The broker message of one durable event; the properties mirror the envelope.
    package var message: AMQPMessage {
        AMQPMessage(
            exchange: Topology.events.name, routingKey: type, body: encoded(), messageID: id.lowercased, type: type,
            contentType: CloudEvent.contentType, persistent: true)
    }
}

extension AMQPTopology {
    /// The platform's exchange and these queues, as the client declares them on every connection.
    package init(_ queues: [Contracts.Queue]) {
        self.init(
            exchanges: [.init(Topology.events.name, kind: .topic, isDurable: Topology.events.isDurable)],
            queues: queues.map(AMQPTopology.Queue.init),
            bindings: queues.flatMap { queue in
                queue.bindings.map { .init(queue: queue.name, exchange: Topology.events.name, routingKey: $0) }
            })
    }
}

extension AMQPTopology.Queue {
    fileprivate init(_ queue: Contracts.Queue) {
        let arguments = queue.arguments.mapValues { argument -> AMQPValue in
            switch argument {
            case .string(let text): .string(text)
            case .integer(let number): .int(Int64(number))
            }
        }
        self.init(
            queue.name, isDurable: queue.durability == .durable, isExclusive: queue.durability == .exclusive,
            isAutoDelete: queue.durability == .exclusive, arguments: arguments)
    }
}
