import AMQP
import Foundation
import Observability
import Synchronization
import Testing
import TestSupport

/// A name that no other test uses.
func unique(_ name: String) -> String { "\(name).\(UUID().uuidString.lowercased().prefix(8))" }

/// Runs a publisher while the body runs.
func withPublisher<T>(
    _ urls: String, topology: AMQPTopology = AMQPTopology(), metrics: MetricsRegistry = MetricsRegistry(),
    waitsUntilReady: Bool = true, configure: (inout AMQPPublisher.Configuration) -> Void = { _ in },
    _ body: (AMQPPublisher) async throws -> T
) async throws -> T {
    var configuration = AMQPPublisher.Configuration()
    configuration.maxRetry = .milliseconds(500)
    configure(&configuration)
    let publisher = try AMQPPublisher(
        urls: urls, topology: topology, configuration: configuration, logger: .disabled, metrics: metrics)
    let task = Task { try await publisher.run() }
    let result: Result<T, any Error>
    do {
        if waitsUntilReady { try await eventually("a publisher") { publisher.isReady } }
        result = .success(try await body(publisher))
    } catch {
        result = .failure(error)
    }
    task.cancel()
    try await task.value
    return try result.get()
}

/// Runs a consumer while the body runs.
func withConsumer<T>(
    _ urls: String, topology: AMQPTopology, queue: String, metrics: MetricsRegistry = MetricsRegistry(),
    configure: (inout AMQPConsumer.Configuration) -> Void = { _ in }, handler: @escaping AMQPConsumer.Handler,
    _ body: (AMQPConsumer) async throws -> T
) async throws -> T {
    var configuration = AMQPConsumer.Configuration()
    configuration.retryDelay = .milliseconds(5)
    configuration.maxRetry = .milliseconds(500)
    configure(&configuration)
    let consumer = try AMQPConsumer(
        urls: urls, topology: topology, queue: queue, configuration: configuration, logger: .disabled,
        metrics: metrics, handler: handler)
    let task = Task { try await consumer.run() }
    let result: Result<T, any Error>
    do {
        try await eventually("a consumer") { consumer.isReady }
        result = .success(try await body(consumer))
    } catch {
        result = .failure(error)
    }
    task.cancel()
    try await task.value
    return try result.get()
}

/// Which messages arrived, and how often.
final class Ledger: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    func note(_ id: String?) { counts.withLock { $0[id ?? "", default: 0] += 1 } }
    func count(_ id: String) -> Int { counts.withLock { $0[id, default: 0] } }
    var ids: Set<String> { counts.withLock { Set($0.keys) } }
    var total: Int { counts.withLock { $0.values.reduce(0, +) } }
}

func message(
    to queue: String, id: String = UUID().uuidString, body: [UInt8] = Array("{}".utf8), persistent: Bool = true
) -> AMQPMessage {
    AMQPMessage(exchange: "", routingKey: queue, body: body, messageID: id, persistent: persistent)
}

/// The code with which something failed; `nil` when it did not.
func failure(_ body: () async throws(AMQPError) -> Void) async -> AMQPError? {
    do throws(AMQPError) {
        try await body()
        return nil
    } catch {
        return error
    }
}

/// A value that a handler leaves for the test.
final class Box<Value: Sendable>: Sendable {
    private let content = Mutex<Value?>(nil)

    var value: Value? {
        get { content.withLock { $0 } }
        set { content.withLock { $0 = newValue } }
    }
}

/// How many handlers run at the same time.
final class InFlightMeter: Sendable {
    private let state = Mutex((now: 0, highest: 0, finished: 0))

    func enter() {
        state.withLock { state in
            state.now += 1
            state.highest = max(state.highest, state.now)
        }
    }

    func leave() {
        state.withLock { state in
            state.now -= 1
            state.finished += 1
        }
    }

    var highest: Int { state.withLock { $0.highest } }
    var finished: Int { state.withLock { $0.finished } }
}

extension AMQPConsumer {
    /// The queue is being consumed.
    var isReady: Bool { state == .ready }
}

extension AMQPDelivery {
    /// The queue that first dead-lettered it, if one did.
    var firstDeathQueue: String? { message.headers["x-first-death-queue"]?.text }

    /// Why it was first dead-lettered: `rejected`, `expired`, `maxlen` or `delivery_limit`.
    var firstDeathReason: String? { message.headers["x-first-death-reason"]?.text }
}

extension AMQPTopology.Queue {
    /// A durable quorum queue with a limit on deliveries of a message, and perhaps a queue for its dead letters.
    static func work(_ name: String, deliveryLimit: Int, deadLetterQueue: String?) -> Self {
        var arguments: [String: AMQPValue] = ["x-queue-type": "quorum", "x-delivery-limit": .int(Int64(deliveryLimit))]
        if let deadLetterQueue {
            arguments["x-dead-letter-exchange"] = ""
            arguments["x-dead-letter-routing-key"] = .string(deadLetterQueue)
        }
        return Self(name, arguments: arguments)
    }

    /// A durable quorum queue without limits.
    static func deadLetters(_ name: String) -> Self { Self(name, arguments: ["x-queue-type": "quorum"]) }

    /// A classic queue that goes with the broker, and drops the oldest messages.
    static func transient(
        _ name: String, timeToLiveMilliseconds: Int, maxLength: Int, isAutoDelete: Bool = false
    ) -> Self {
        Self(
            name, isDurable: false, isAutoDelete: isAutoDelete,
            arguments: [
                "x-message-ttl": .int(Int64(timeToLiveMilliseconds)), "x-max-length": .int(Int64(maxLength)),
                "x-overflow": "drop-head",
            ])
    }
}
