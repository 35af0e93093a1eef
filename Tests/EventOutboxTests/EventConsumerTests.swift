import AMQPClient
import Contracts
import EventOutbox
import Foundation
import Observability
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

/// What a consumer of events does with what it cannot read.
@Suite("Consumer of events")
struct EventConsumerTests {
    private static func event(_ type: String) -> String {
        #"{"specversion":"1.0","id":"\#(UUID().uuidString.lowercased())","source":"switchyard/test","#
            + #""type":"\#(type)","time":"2026-01-01T00:00:00Z","data":{}}"#
    }

    private static func message(to queue: String, _ body: String) -> AMQPMessage {
        AMQPMessage(exchange: "", routingKey: queue, body: Array(body.utf8), contentType: CloudEvent.batchContentType)
    }

    @Test("One event of a batch that cannot be read does not take the others with it; a batch of none is dead at once")
    func badEvent() async throws {
        let url = try await SharedServers.rabbit().makeVirtualHost("events")
        let work = Topology.drain
        let batches = Mutex<[[String]]>([])
        let dead = Mutex<[String]>([])
        let metrics = MetricsRegistry()
        let consumer = try EventConsumer(
            urls: url, queue: work, prefetch: 10, logger: .disabled, metrics: metrics,
            spawn: { operation in Task { await operation() } }
        ) { events in
            batches.withLock { $0.append(events.map(\.type)) }
            return .done
        }
        let letters = try AMQPConsumer(
            urls: url, topology: AMQPTopology([Topology.dead]), queue: Topology.dead.name, logger: .disabled,
            metrics: metrics
        ) { delivery in
            dead.withLock { $0.append(String(decoding: delivery.message.body, as: UTF8.self)) }
            return .done
        }
        let publisher = try AMQPPublisher(
            urls: url, topology: AMQPTopology([work, Topology.dead]), logger: .disabled, metrics: metrics)
        let shutdown = ShutdownSignal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await shutdown.cancelling { try await publisher.run() } }
            group.addTask { try await shutdown.cancelling { try await letters.run() } }
            group.addTask { try await consumer.run(until: shutdown) }
            defer { shutdown.give() }
            // A broker drops dead letters while their queue has no leader.
            try await eventually("connections") {
                publisher.isReady && letters.isReady && consumer.state == .ready
            }
            let good = [Self.event("a"), Self.event("b")]
            try await publisher.publish([
                Self.message(to: work.name, #"[\#(good[0]),{"specversion":"1.0","id":"7"},17,\#(good[1])]"#),
                Self.message(to: work.name, #"[{"specversion":"0.3"}]"#),
                Self.message(to: work.name, #"[\#(Self.event("c"))"#),
            ])
            try await eventually("the events that can be read") { batches.withLock { $0.contains(["a", "b"]) } }
            try await eventually("the messages without any") { dead.withLock { $0.count } == 2 }
            #expect(batches.withLock { $0.count } == 1)
        }
    }
}
