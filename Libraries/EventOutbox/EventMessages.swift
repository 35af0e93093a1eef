import AMQPClient
import Contracts

extension CloudEvent {
    /// The broker message of one durable event; the properties mirror the envelope.
    package var message: AMQPMessage {
        AMQPMessage(
            exchange: Topology.events.name, routingKey: type, body: encoded(), messageID: id.lowercased, type: type,
            contentType: CloudEvent.contentType, persistent: true)
    }

    /// Of one broker message: what a consumer holds until it is acknowledged, and what goes round again when one of its
    /// events could not be handled.
    private static let batchLimit = 100
    private static let batchBytes = 128 << 10

    /// The broker messages of durable events: those of one type travel together, since the broker spends more on a
    /// message than on hundreds of bytes in it. One that is alone travels as itself.
    package static func messages(of events: [CloudEvent]) -> [AMQPMessage] {
        var open: [String: [CloudEvent]] = [:]
        var bytes: [String: Int] = [:]
        var messages: [AMQPMessage] = []
        for event in events {
            let size = event.data.bytes.count
            if let batch = open[event.type],
                batch.count == batchLimit || bytes[event.type, default: 0] + size > batchBytes
            {
                messages.append(message(ofType: event.type, batch))
                open[event.type] = nil
                bytes[event.type] = nil
            }
            open[event.type, default: []].append(event)
            bytes[event.type, default: 0] += size
        }
        return messages + open.map { type, batch in message(ofType: type, batch) }
    }

    private static func message(ofType type: String, _ events: [CloudEvent]) -> AMQPMessage {
        if events.count == 1 { return events[0].message }
        return AMQPMessage(
            exchange: Topology.events.name, routingKey: type, body: encodeBatch(events), type: type,
            contentType: batchContentType, persistent: true)
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
