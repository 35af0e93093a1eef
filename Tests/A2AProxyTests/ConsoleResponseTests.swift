import A2AProxy
import ActivityFeed
import AMQP
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import Observability
import PlatformInternals
import ServiceLifecycle
import Synchronization
import Testing
import TestSupport
import UVLoop

@Suite struct ConsoleResponseTests {
    private final class Seen: Sendable {
        let count = Atomic(0)
    }

    /// Runs a publisher and a consumer of all events.
    private func with(_ body: (EventBroadcast, Seen) async throws -> Void) async throws {
        let urls = try await SharedServers.rabbit().makeVirtualHost("console")
        let publisher = try AMQPPublisher(
            urls: urls, topology: AMQPTopology([]), logger: .disabled, metrics: MetricsRegistry())
        let seen = Seen()
        let consumer = try EventConsumer(
            urls: urls, queue: Topology.notifications(instance: UUID().lowercased), prefetch: 100, publisher: publisher,
            logger: .disabled, metrics: MetricsRegistry(), spawn: { QueueFixture.loops.next().spawn($0) }
        ) { events in
            seen.count.add(events.count { $0.kind == .a2aResponse }, ordering: .relaxed)
            return .done
        }
        let shutdown = ShutdownSignal()
        let running = [
            Task { try await publisher.run() }, Task { try await consumer.run(until: shutdown) },
        ]
        let result: Result<Void, any Error>
        do {
            try await eventually("the broker") { publisher.isReady && consumer.connections > 0 }
            result = .success(try await body(EventBroadcast(publisher: publisher, service: "a2a-proxy"), seen))
        } catch {
            result = .failure(error)
        }
        shutdown.give()
        running[0].cancel()
        for task in running { try? await task.value }
        try result.get()
    }

    /// Together they are more than the broker takes in one message.
    @Test func manyLargeOnesAllArrive() async throws {
        try await with { broadcast, seen in
            try await QueueFixture.with { fixture in
                let writer = ActivityWriter(
                    store: ActivityLogStore(postgres: fixture.postgres), broadcast: broadcast,
                    loops: QueueFixture.loops,
                    metrics: ProxyMetrics(MetricsRegistry(includesProcess: false)), logger: .disabled)
                let recorder = CallRecorder(
                    activity: .off, writer: writer, targets: TargetStore(postgres: fixture.postgres),
                    broadcast: broadcast)
                let response = AgentResponse(
                    status: 200, contentType: nil, body: Array("\"\(String(repeating: "x", count: 250_000))\"".utf8))
                let target = Target(
                    position: TreePosition(id: UUID(), ancestors: []), status: .online, url: "http://agent.example")
                let message = AgentRequest(stored: [], method: "message/send", messageID: nil)
                for _ in 0..<100 {
                    var record = CallRecord(target: target, message: message, duration: .zero)
                    record.response = response
                    record.isConsole = true
                    recorder.record(record)
                }
                try await eventually("the answers") {
                    seen.count.load(ordering: .relaxed) == 100
                }
            }
        }
    }
}
