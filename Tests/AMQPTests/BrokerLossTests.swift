import AMQP
import Concurrency
import Observability
import Synchronization
import Testing
import TestSupport

/// Each takes a broker of its own down, under load; a ledger says what must have survived.
@Suite("Loss of the broker", .serialized)
struct BrokerLossTests {
    enum Fault: String, CaseIterable { case killed, restarted }

    @Test("every confirmed message is consumed, whatever happens to the broker", arguments: Fault.allCases)
    func ledger(_ fault: Fault) async throws {
        let rabbit = try await RabbitServer.start()
        let queues = ["quorum", "classic"]
        let topology = AMQPTopology(queues: [
            .work("quorum", deliveryLimit: 1000, deadLetterQueue: nil), .init("classic"),
        ])
        try await withPublisher(rabbit.url, topology: topology) { _ in }
        try await rabbit.settleQueues()
        let (confirmed, failed, consumed) = (Ledger(), Ledger(), Ledger())
        let consume: AMQPConsumer.Handler = { delivery in
            consumed.note(delivery.message.messageID)
            return .done
        }
        try await withPublisher(rabbit.url, topology: topology) {
            $0.deadline = .seconds(180)
        } _: { publisher in
            try await withConsumer(rabbit.url, topology: topology, queue: queues[0], handler: consume) { _ in
                try await withConsumer(rabbit.url, topology: topology, queue: queues[1], handler: consume) { _ in
                    let load = Load(callers: 40, queues: queues, publisher, confirmed: confirmed, failed: failed)
                    for round in 1...2 {
                        let before = confirmed.total
                        try await eventually(within: .seconds(60), "confirms in round \(round)") {
                            confirmed.total > before + 1000
                        }
                        if fault == .killed { await rabbit.kill() } else { await rabbit.stop() }
                        try await eventually("the loss to be noticed") { !publisher.isReady }
                        try await rabbit.start()
                        try await eventually(within: .seconds(30), "the connection") { publisher.isReady }
                    }
                    let after = confirmed.total
                    try await eventually("confirms afterwards") { confirmed.total > after + 500 }
                    await load.end()
                    try await eventually(within: .seconds(30), "what was confirmed to be consumed") {
                        confirmed.ids.isSubset(of: consumed.ids)
                    }
                }
            }
        }
        #expect(failed.ids.isSubset(of: ["outcome_unknown"]))
        #expect(failed.total > 0)
        await rabbit.kill()
    }

    @Test("a broker that was wiped gets its topology again")
    func wiped() async throws {
        let rabbit = try await RabbitServer.start()
        let topology = AMQPTopology(
            exchanges: [.init("events")], queues: [.work("work", deliveryLimit: 5, deadLetterQueue: nil)],
            bindings: [.init(queue: "work", exchange: "events", routingKey: "a.*")])
        let seen = Ledger()
        try await withPublisher(rabbit.url, topology: topology) { publisher in
            try await withConsumer(rabbit.url, topology: topology, queue: "work") { delivery in
                seen.note(delivery.message.messageID)
                return .done
            } _: { consumer in
                try await rabbit.control("stop_app")
                try await eventually("the loss to be noticed") { !publisher.isReady && !consumer.isReady }
                try await rabbit.control("force_reset")
                try await rabbit.control("start_app")
                try await eventually(within: .seconds(30), "connections") { publisher.isReady && consumer.isReady }
                try await publisher.publish(
                    AMQPMessage(exchange: "events", routingKey: "a.b", body: [], messageID: "x"))
                try await eventually("the message") { seen.count("x") == 1 }
            }
        }
        await rabbit.kill()
    }

    @Test("an outcome of a closed connection does not settle deliveries of the new one")
    func staleOutcome() async throws {
        let rabbit = try await RabbitServer.start()
        let topology = AMQPTopology(queues: [
            .deadLetters("dead"), .work("work", deliveryLimit: 5, deadLetterQueue: "dead"),
        ])
        let (first, second) = (Gate(), Gate())
        let calls = Ledger()
        let metrics = MetricsRegistry()
        try await withPublisher(rabbit.url, topology: topology) { try await $0.publish(message(to: "work", id: "x")) }
        try await withConsumer(rabbit.url, topology: topology, queue: "work", metrics: metrics) { _ in
            // Both deliveries are the first of their connection, and have the same tag.
            calls.note("call")
            guard calls.total > 1 else {
                await first.wait()
                return .done
            }
            await second.wait()
            return .reject
        } _: { _ in
            try await eventually("the first delivery") { calls.total == 1 }
            await rabbit.stop()
            try await rabbit.start()
            try await eventually(within: .seconds(30), "the second delivery") { calls.total == 2 }
            first.open()
            try await eventually("the late outcome") {
                String(decoding: metrics.exposition(), as: UTF8.self)
                    .contains("amqp_stale_outcomes_total{queue=\"work\"} 1")
            }
            let dead = Ledger()
            try await withConsumer(rabbit.url, topology: topology, queue: "dead") { delivery in
                dead.note(delivery.message.messageID)
                return .done
            } _: { consumer in
                // A broker that has just started drops dead letters while their queue has no leader.
                try await eventually(within: .seconds(30), "the queue of dead letters") { consumer.isReady }
                second.open()
                try await eventually("the dead letter") { dead.count("x") == 1 }
            }
        }
        await rabbit.kill()
    }
}

/// Callers that publish one message after the other until they are stopped.
final class Load: Sendable {
    private let isOver = Atomic<Bool>(false)
    private let tasks = Mutex<[Task<Void, Never>]>([])

    init(callers: Int, queues: [String], _ publisher: AMQPPublisher, confirmed: Ledger, failed: Ledger) {
        let made = (0..<callers).map { caller in
            Task {
                var number = 0
                while !isOver.load(ordering: .relaxed) {
                    number += 1
                    let id = "\(caller)-\(number)"
                    do throws(AMQPError) {
                        try await publisher.publish(message(to: queues[number % queues.count], id: id))
                        confirmed.note(id)
                    } catch {
                        failed.note(error.code.rawValue)
                        if error.code == .stopped { return }
                    }
                }
            }
        }
        tasks.withLock { $0 = made }
    }

    func end() async {
        isOver.store(true, ordering: .relaxed)
        for task in tasks.withLock({ $0 }) { await task.value }
    }
}
