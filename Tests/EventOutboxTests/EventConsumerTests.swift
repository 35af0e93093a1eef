import AMQP
import Concurrency
import Contracts
import EventOutbox
import Foundation
import Observability
import PlatformInternals
import ServiceLifecycle
import Synchronization
import Testing
import TestSupport

/// What a consumer of events does with those that it cannot handle or read.
@Suite("Consumer of events")
struct EventConsumerTests {
    /// What was seen on both queues.
    private final class Seen: Sendable {
        struct State {
            var handled: [UUID: Int] = [:]
            var dead: [AMQPMessage] = []
        }

        let state = Mutex(State())

        var handled: [UUID: Int] { state.withLock { $0.handled } }
        var dead: [AMQPMessage] { state.withLock { $0.dead } }
        var deadTexts: [String] { dead.map { String(decoding: $0.body, as: UTF8.self) } }
    }

    private static func event(_ type: String = "a2a.queued") -> CloudEvent {
        CloudEvent(source: "switchyard/test", type: type, subject: nil, data: .emptyObject)
    }

    private static func message(_ body: [UInt8]) -> AMQPMessage {
        var message = AMQPMessage(
            exchange: "", routingKey: Topology.drain.name, body: body, contentType: CloudEvent.batchContentType)
        message.mandatory = true
        return message
    }

    private static func message(_ body: String) -> AMQPMessage { message(Array(body.utf8)) }

    /// A consumer of the work queue, one of the dead letters, and a publisher.
    private func with(
        _ url: String, handle: @escaping @Sendable (CloudEvent) async -> EventOutcome,
        _ body: (AMQPPublisher, Seen) async throws -> Void
    ) async throws {
        let (seen, metrics, shutdown) = (Seen(), MetricsRegistry(), ShutdownSignal())
        let publisher = try AMQPPublisher(
            urls: url, topology: AMQPTopology([Topology.drain, Topology.deadLetters]), logger: .disabled,
            metrics: metrics)
        let consumer = try EventConsumer(
            urls: url, queue: Topology.drain, prefetch: 10, publisher: publisher, logger: .disabled, metrics: metrics,
            spawn: { operation in Task { await operation() } }
        ) { events in
            var outcomes = EventOutcomes.done
            for (index, event) in events.enumerated() {
                seen.state.withLock { $0.handled[event.id, default: 0] += 1 }
                outcomes[index] = await handle(event)
            }
            return outcomes
        }
        let letters = try AMQPConsumer(
            urls: url, topology: AMQPTopology([Topology.deadLetters]), queue: Topology.deadLetters.name,
            logger: .disabled,
            metrics: metrics
        ) { delivery in
            seen.state.withLock { $0.dead.append(delivery.message) }
            return .done
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await shutdown.cancelling { try await publisher.run() } }
            group.addTask { try await shutdown.cancelling { try await letters.run() } }
            group.addTask { try await consumer.run(until: shutdown) }
            defer { shutdown.give() }
            try await eventually("connections") {
                publisher.isReady && letters.state == .ready && consumer.connections > 0
            }
            try await body(publisher, seen)
        }
    }

    @Test("What cannot be read of a batch is a dead letter alone; a message without any event as a whole")
    func unreadable() async throws {
        let url = try await SharedServers.rabbit().makeVirtualHost("events")
        try await with(url) { _ in
            .done
        } _: { publisher, seen in
            let good = [Self.event(), Self.event(), Self.event()]
            let texts = good.map { String(decoding: $0.encoded(), as: UTF8.self) }
            let messages = [
                #"[\#(texts[0]),{"specversion":"1.0","id":"7"},17,\#(texts[1])]"#, #"[{"specversion":"0.3"}]"#,
                #"[\#(texts[2])"#,
            ]
            try await publisher.publish(messages.map { Self.message($0) })
            try await eventually("the dead ones") { seen.dead.count == 4 }
            try await eventually("the good ones") { seen.handled.count == 2 }
            #expect(seen.handled == [good[0].id: 1, good[1].id: 1])
            #expect(
                Set(seen.deadTexts) == [#"{"specversion":"1.0","id":"7"}"#, "17", messages[1], messages[2]])
        }
    }

    @Test("One bad of a hundred: each good one is handled once, one that is tried again succeeds, the bad one is dead")
    func oneBad() async throws {
        let url = try await SharedServers.rabbit().makeVirtualHost("events")
        let events = (0..<100).map { _ in Self.event() }
        let (bad, late, stubborn) = (events[17].id, events[42].id, events[99].id)
        let tries = Mutex<[UUID: Int]>([:])
        try await with(url) { event in
            let number = tries.withLock { tries in
                tries[event.id, default: 0] += 1
                return tries[event.id] ?? 0
            }
            return switch event.id {
            case bad: .reject
            case late: number < 3 ? .retry : .done
            case stubborn: .retry
            default: .done
            }
        } _: { publisher, seen in
            try await publisher.publish(Self.message(CloudEvent.encodeBatch(events)))
            try await eventually("the dead one") { seen.dead.map(\.messageID) == [bad.lowercased] }
            try await eventually("another try") { seen.handled[late] == 3 }
            try await eventually("more tries") { (seen.handled[stubborn] ?? 0) >= 4 }
            let once = events.map(\.id).filter { ![late, stubborn].contains($0) }
            #expect(once.allSatisfy { seen.handled[$0] == 1 })
            #expect(seen.dead.count == 1)
        }
    }

    @Test("A broker that is killed meanwhile drops none of it", .timeLimit(.minutes(5)))
    func killedBroker() async throws {
        let rabbit = try await RabbitServer.start()
        let result: Result<Void, any Error>
        do { result = .success(try await killMidway(rabbit)) } catch { result = .failure(error) }
        await rabbit.kill()
        try result.get()
    }

    private func killMidway(_ rabbit: RabbitServer) async throws {
        let batches = (0..<20).map { _ in (0..<100).map { _ in Self.event() } }
        let bad = Set(batches.map { $0[50].id })
        let isHeld = Gate()
        try await with(rabbit.url) { event in
            await isHeld.wait()
            return bad.contains(event.id) ? .reject : .done
        } _: { publisher, _ in
            _ = publisher
        }
        try await rabbit.settleQueues()
        try await with(rabbit.url) { event in
            await isHeld.wait()
            return bad.contains(event.id) ? .reject : .done
        } _: { publisher, seen in
            try await publisher.publish(batches.map { Self.message(CloudEvent.encodeBatch($0)) })
            isHeld.open()
            try await eventually("some") { seen.dead.count >= 3 }
            await rabbit.kill()
            try await rabbit.start()
            let all = Set(batches.flatMap { $0 }.map(\.id))
            try await eventually(within: .seconds(120), "all") {
                Set(seen.handled.keys) == all && Set(seen.dead.compactMap(\.messageID)) == Set(bad.map(\.lowercased))
            }
        }
    }
}
