import AMQP
import Concurrency
import Observability
import Testing
import TestSupport

@Suite("Consumer")
struct ConsumerTests {
    /// A work queue with its dead-letter queue.
    private struct WorkQueue {
        let name = unique("work")
        let dead = unique("dead")

        func topology(deliveryLimit: Int = 3) -> AMQPTopology {
            AMQPTopology(queues: [
                .deadLetters(dead), .work(name, deliveryLimit: deliveryLimit, deadLetterQueue: dead),
            ])
        }
    }

    @Test("done leaves the queue, reject goes to the dead letters, retry comes again until the limit")
    func outcomes() async throws {
        let url = try await SharedServers.rabbit().url
        let queue = WorkQueue()
        let (seen, dead) = (Ledger(), Box<[String: AMQPDelivery]>())
        dead.value = [:]
        try await withPublisher(url, topology: queue.topology()) { publisher in
            try await publisher.publish(["done", "reject", "retry", "once"].map { message(to: queue.name, id: $0) })
        }
        // The dead letters' first: a broker drops those whose queue has no leader yet.
        try await withConsumer(url, topology: queue.topology(), queue: queue.dead) { delivery in
            dead.value?[delivery.message.messageID ?? ""] = delivery
            return .done
        } _: { consumer in
            try await eventually("the queue of dead letters") { consumer.isReady }
            try await withConsumer(url, topology: queue.topology(), queue: queue.name) { delivery in
                let id = delivery.message.messageID ?? ""
                seen.note(id)
                return switch id {
                case "reject": .reject
                case "retry": .retry
                case "once": delivery.isRedelivered ? .done : .retry
                default: .done
                }
            } _: { _ in
                try await eventually("the dead letters") { dead.value?.count == 2 && seen.count("once") == 2 }
            }
        }
        #expect(seen.count("done") == 1)
        #expect(seen.count("reject") == 1)
        #expect(seen.count("retry") == 4)  // the first delivery, and three more
        #expect(dead.value?["reject"]?.firstDeathReason == "rejected")
        #expect(dead.value?["reject"]?.firstDeathQueue == queue.name)
        #expect(dead.value?["retry"]?.firstDeathReason == "delivery_limit")
    }

    @Test("no more than the prefetch is handled at the same time, and all of it is")
    func prefetch() async throws {
        let url = try await SharedServers.rabbit().url
        let queue = unique("prefetch")
        let topology = AMQPTopology(queues: [.init(queue)])
        try await withPublisher(url, topology: topology) { publisher in
            try await publisher.publish((0..<200).map { message(to: queue, id: "\($0)") })
        }
        let gauge = InFlightMeter()
        try await withConsumer(url, topology: topology, queue: queue) {
            $0.prefetch = 7
        } handler: { _ in
            gauge.enter()
            await Task.yield()
            gauge.leave()
            return .done
        } _: { _ in
            try await eventually("all of them") { gauge.finished == 200 }
        }
        #expect(gauge.highest <= 7)
    }

    @Test("stopping waits for handlers and acknowledges what they did; the rest stays in the queue")
    func stop() async throws {
        let url = try await SharedServers.rabbit().url
        let queue = unique("stop")
        let topology = AMQPTopology(queues: [.init(queue)])
        try await withPublisher(url, topology: topology) { publisher in
            try await publisher.publish((0..<1000).map { message(to: queue, id: "\($0)") })
        }
        let (held, first, second) = (Ledger(), Ledger(), Ledger())
        let gate = Gate()
        try await withConsumer(url, topology: topology, queue: queue) {
            $0.prefetch = 10
        } handler: { delivery in
            held.note(delivery.message.messageID)
            await gate.wait()
            first.note(delivery.message.messageID)
            return .done
        } _: { _ in
            try await eventually("deliveries") { held.total == 10 }
            Task {
                try await eventually("the stop", { held.total == 10 }); gate.open()
            }
        }
        try await withConsumer(url, topology: topology, queue: queue) { delivery in
            second.note(delivery.message.messageID)
            return .done
        } _: { _ in
            try await eventually("the rest") { first.total + second.total >= 1000 }
        }
        #expect(first.total >= 10)
        #expect(first.ids.isDisjoint(with: second.ids))
        #expect(first.ids.union(second.ids).count == 1000)
    }

    @Test("a queue that is deleted under the consumer is declared and consumed again")
    func deletedQueue() async throws {
        let rabbit = try await SharedServers.rabbit()
        let exchange = unique("events")
        let queue = unique("deleted")
        let topology = AMQPTopology(
            exchanges: [.init(exchange)],
            queues: [.transient(queue, timeToLiveMilliseconds: 30_000, maxLength: 100, isAutoDelete: true)],
            bindings: [.init(queue: queue, exchange: exchange, routingKey: "#")])
        let seen = Ledger()
        let metrics = MetricsRegistry()
        try await withConsumer(rabbit.url, topology: topology, queue: queue, metrics: metrics) { delivery in
            seen.note(delivery.message.messageID)
            return .done
        } _: { consumer in
            try await withPublisher(rabbit.url, topology: AMQPTopology(exchanges: [.init(exchange)])) { publisher in
                try await rabbit.control("delete_queue", queue)
                try await eventually("the consumer to come back") {
                    publisher.tryPublish(AMQPMessage(exchange: exchange, routingKey: "k", body: [], messageID: "x"))
                    return seen.count("x") > 0
                }
                #expect(consumer.isReady)
            }
        }
        let text = String(decoding: metrics.exposition(), as: UTF8.self)
        #expect(!text.contains("amqp_consumer_connects_total{queue=\"\(queue)\"} 1\n"))
    }

    @Test("messages without confirm arrive too")
    func unconfirmed() async throws {
        let url = try await SharedServers.rabbit().url
        let queue = unique("transient")
        let topology = AMQPTopology(queues: [.transient(queue, timeToLiveMilliseconds: 30_000, maxLength: 10_000)])
        let seen = Ledger()
        try await withConsumer(url, topology: topology, queue: queue) { delivery in
            seen.note(delivery.message.messageID)
            return .done
        } _: { _ in
            try await withPublisher(url) { publisher in
                for number in 0..<2000 {
                    #expect(publisher.tryPublish(message(to: queue, id: "\(number)", persistent: false)))
                }
                try await eventually("all messages") { seen.ids.count == 2000 }
            }
        }
    }
}
