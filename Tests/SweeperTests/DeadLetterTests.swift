import AMQP
import Contracts
import EventOutbox
import Foundation
import Observability
import PlatformInternals
import Postgres
import ServiceLifecycle
import Sweeper
import Synchronization
import Testing
import TestSupport

@Suite("Dead letters")
struct DeadLetterTests {
    private static let deathHeaders: [String: AMQPValue] = [
        "x-death": .array([
            .table([
                "queue": "a2a.drain", "reason": "delivery_limit", "count": 3, "exchange": "switchyard.events",
                "routing-keys": .array(["a2a.queued"]), "time": .timestamp(1_700_000_000),
            ]),
            .table(["queue": "other", "reason": "rejected", "count": 9]),
        ]), "x-first-death-queue": "other", "x-first-death-reason": "rejected", "own": "mine",
    ]

    @Test("Queue, reason and count are those of the last death, the origin is where it was published at first")
    func parsing() {
        let letter = DeadLetter(
            AMQPMessage(
                exchange: "", routingKey: "switchyard.dead", body: [0, 255], messageID: "a\0b", type: "a2a.queued",
                headers: Self.deathHeaders))
        #expect(letter.queue == "a2a.drain" && letter.reason == "delivery_limit" && letter.deaths == 3)
        #expect(letter.exchange == "switchyard.events" && letter.routingKey == "a2a.queued")
        #expect(letter.messageID == "a\u{FFFD}b")
        #expect(letter.body == [0, 255])
        let headers = DeadLetter.replayHeaders(letter.headers, replay: "7.1")
        #expect(headers == ["own": "mine", EventHeader.replay: "7.1"])
    }

    @Test("A letter without any history is kept, too, and headers are bounded")
    func bareAndLarge() {
        let bare = DeadLetter(AMQPMessage(exchange: "", routingKey: "switchyard.dead", body: []))
        #expect(bare.queue == nil && bare.deaths == 1 && bare.headers == Array("{}".utf8))
        let large = DeadLetter(
            AMQPMessage(
                exchange: "", routingKey: "k", body: [],
                headers: Self.deathHeaders.merging(["x-last-death-x": .string(String(repeating: "x", count: 20_000))]) {
                    $1
                }))
        #expect(large.headers.count < DeadLetter.headerBytes)
        #expect(String(decoding: large.headers, as: UTF8.self).contains("mine"))
    }

    @Test("The same letter is recognised; another death of the same message is another letter")
    func fingerprints() {
        func letter(_ change: (inout AMQPMessage) -> Void = { _ in }) -> [UInt8] {
            var message = AMQPMessage(
                exchange: "", routingKey: "switchyard.dead", body: [1], messageID: "m", headers: Self.deathHeaders)
            change(&message)
            return DeadLetter(message).fingerprint
        }
        #expect(letter() == letter { $0.headers["x-publish-number"] = 3 })
        #expect(letter() != letter { $0.body = [2] })
        #expect(letter() != letter { $0.headers[EventHeader.replay] = "7.1" })
        #expect(
            letter { $0.headers[EventHeader.death] = "d" }
                == letter {
                    $0.headers = [EventHeader.death: "d", "x-death": .array([.table(["time": .timestamp(1)])])]
                })
    }

    /// A collector of letters with a publisher beside it.
    private func with(
        _ url: String, _ pool: PostgresPool, _ body: (AMQPPublisher, DeadLetterPass) async throws -> Void
    ) async throws {
        let (metrics, shutdown) = (MetricsRegistry(), ShutdownSignal())
        let publisher = try AMQPPublisher(
            urls: url, topology: AMQPTopology([Topology.drain, Topology.deadLetters]), logger: .disabled,
            metrics: metrics)
        let collector = try DeadLetterCollector(
            urls: url, store: DeadMessageStore(postgres: pool), logger: .disabled, metrics: metrics)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await shutdown.cancelling { try await publisher.run() } }
            group.addTask { try await collector.run(until: shutdown) }
            defer { shutdown.give() }
            try await eventually("connections") { publisher.isReady && collector.state == .ready }
            try await body(publisher, DeadLetterPass(collector: collector))
        }
    }

    private static func count(_ pool: PostgresPool) async throws -> Int {
        try await pool.query(Statement("test_dead_count", "SELECT count(*) FROM dead_messages"))[0].int(0)
    }

    @Test("Letters become rows, each once, though a process died between the row and its acknowledgement")
    func moving() async throws {
        let url = try await SharedServers.rabbit().makeVirtualHost("dead")
        try await withMigratedPool("dead") { pool in
            try await with(url, pool) { publisher, pass in
                let letters = (0..<30).map { number in
                    AMQPMessage(
                        exchange: "", routingKey: Topology.deadLetters.name, body: [UInt8(number), 0, 255],
                        messageID: "m\(number)", headers: Self.deathHeaders)
                }
                // As if they were delivered twice.
                try await publisher.publish(letters + letters)
                try await eventually("all of them") { try await Self.count(pool) == 30 }
                try await eventually("an empty queue") {
                    try await SharedServers.rabbit().control(
                        "list_queues", "-p", String(url.split(separator: "/").last ?? ""), "name", "messages"
                    ).contains("switchyard.dead\t0")
                }
                #expect(try await Self.count(pool) == 30)
                #expect(try await pass.run() == ["moved": 30])
                let store = DeadMessageStore(postgres: pool)
                let first = try await store.list(DeadMessageFilter(queue: "a2a.drain"), before: .max, limit: 10)
                #expect(first.count == 10 && first.allSatisfy { $0.deathCount == 3 && $0.bodySize == 3 })
                #expect(try await store.list(DeadMessageFilter(queue: "x"), before: .max, limit: 10).isEmpty)
                let body = try await store.message(first[0].id, bodyBytes: 2)?.body
                #expect(body?.count == 2)
            }
        }
    }

    /// RabbitMQ retries dead letters that it could not route every three minutes.
    private static let shortConfirmTimeout =
        "application:set_env(rabbit, dead_letter_worker_publisher_confirm_timeout, 1000)."

    @Test(
        "Every message stays while the dead-letter queue is full, or missing", .timeLimit(.minutes(5)),
        arguments: [true, false])
    func unavailable(isFull: Bool) async throws {
        let rabbit = try await RabbitServer.start()
        let result: Result<Void, any Error>
        do {
            _ = try await rabbit.control("eval", Self.shortConfirmTimeout)
            result = .success(try await withoutDeadLetterQueue(isFull: isFull, rabbit))
        } catch { result = .failure(error) }
        await rabbit.kill()
        try result.get()
    }

    private func withoutDeadLetterQueue(isFull: Bool, _ rabbit: RabbitServer) async throws {
        let metrics = MetricsRegistry()
        let count = 30
        let publisher = try AMQPPublisher(
            urls: rabbit.url, topology: AMQPTopology([Topology.drain, Topology.deadLetters]), logger: .disabled,
            metrics: metrics)
        let shutdown = ShutdownSignal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { shutdown.give() }
            group.addTask { try await shutdown.cancelling { try await publisher.run() } }
            try await eventually("the queues") { publisher.isReady }
            if isFull {
                _ = try await rabbit.control(
                    "set_policy", "bounded", "^switchyard.dead$", #"{"max-length":2}"#, "--apply-to", "queues")
            } else {
                _ = try await rabbit.control("delete_queue", Topology.deadLetters.name)
            }
            let rejected = Ledger()
            // It alone: a consumer of the platform would declare the dead-letter queue again.
            let killer = try AMQPConsumer(
                urls: rabbit.url, queue: Topology.drain.name, logger: .disabled, metrics: metrics
            ) { delivery in
                rejected.note(delivery.message.messageID)
                return .reject
            }
            group.addTask { try await shutdown.cancelling { try await killer.run() } }
            try await publisher.publish(
                (0..<count).map {
                    AMQPMessage(exchange: "", routingKey: Topology.drain.name, body: [1], messageID: "m\($0)")
                })
            try await eventually("all rejected") { rejected.count == count }
            try await withMigratedPool("dead") { pool in
                #expect(try await Self.count(pool) == 0)
                try await with(rabbit.url, pool) { _, _ in
                    try await eventually(within: .seconds(120), "all of them") { try await Self.count(pool) == count }
                }
                let ids = Statement("test_dead_ids", "SELECT count(DISTINCT message_id) FROM dead_messages")
                #expect(try await pool.query(ids)[0].int(0) == count)
            }
        }
    }
}

/// Which messages were seen.
private final class Ledger: Sendable {
    private let ids = Mutex<Set<String>>([])
    var count: Int { ids.withLock { $0.count } }

    func note(_ id: String?) {
        _ = ids.withLock { $0.insert(id ?? "") }
    }
}
