import AMQP
import Contracts
import PlatformInternals

extension CloudEvent {
    /// The broker message of one durable event; the properties mirror the envelope.
    package var message: AMQPMessage {
        AMQPMessage(
            exchange: Topology.events.name, routingKey: type, body: encoded(), messageID: id.lowercased, type: type,
            contentType: CloudEvent.contentType, persistent: true)
    }

    /// Limits of one broker message: what a consumer holds until it is acknowledged, and what is redelivered when none
    /// of its events was handled.
    private static let batchLimit = 100
    private static let batchBytes = 128 << 10

    /// Groups durable events into batches, as indices: those of one type, since a message costs the broker more than
    /// hundreds of bytes in it. A large event is a batch of its own.
    package static func batches(of events: [CloudEvent]) -> [[Int]] {
        var open: [String: [Int]] = [:]
        var bytes: [String: Int] = [:]
        var batches: [[Int]] = []
        for (index, event) in events.enumerated() {
            let size = event.data.bytes.count
            if let batch = open[event.type],
                batch.count == batchLimit || bytes[event.type, default: 0] + size > batchBytes
            {
                batches.append(batch)
                open[event.type] = nil
                bytes[event.type] = nil
            }
            open[event.type, default: []].append(index)
            bytes[event.type, default: 0] += size
        }
        return batches + open.values
    }

    /// The broker message of a batch, which is not empty. A single event is not sent in the batch form.
    package static func message(of batch: [CloudEvent]) -> AMQPMessage {
        if batch.count == 1 { return batch[0].message }
        return AMQPMessage(
            exchange: Topology.events.name, routingKey: batch[0].type, body: encodeBatch(batch), type: batch[0].type,
            contentType: batchContentType, persistent: true)
    }
}

extension AMQPTopology {
    /// The platform's exchange and these queues, which the client declares on every connection.
    package init(_ queues: [BrokerQueue]) {
        self.init(
            exchanges: [.init(Topology.events.name, kind: .topic, isDurable: Topology.events.isDurable)],
            queues: queues.map(AMQPTopology.Queue.init),
            bindings: queues.flatMap { queue in
                queue.bindings.map { .init(queue: queue.name, exchange: Topology.events.name, routingKey: $0) }
            })
    }
}

extension AMQPTopology.Queue {
    fileprivate init(_ queue: BrokerQueue) {
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
