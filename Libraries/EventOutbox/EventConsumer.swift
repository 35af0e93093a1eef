import AMQP
import Contracts
import Observability
import PlatformInternals
import ServiceLifecycle
import UVLoop

/// Consumes events from one queue, in either form, and settles each by the handler's outcome.
///
/// The events of a batch that succeed are handled once. Those to retry are published one by one to this queue, and
/// those that cannot be handled, or not even decoded, to the dead letters, confirmed by the broker before the batch is
/// acknowledged: at-least-once when the process dies in between. A message without any event is dead-lettered as it is.
package struct EventConsumer: GracefulService {
    package typealias Handler = @Sendable ([CloudEvent]) async -> EventOutcomes

    package let name: String
    private let consumer: AMQPConsumer

    /// - Parameters:
    ///   - queue: declared on every connection, with its bindings.
    ///   - prefetch: the most unacknowledged messages.
    ///   - publisher: publishes the events that are separated from a batch.
    ///   - spawn: starts a handler's task where it should run.
    ///   - handler: gets all events of one message.
    package init(
        urls: String, queue: BrokerQueue, prefetch: UInt16, publisher: AMQPPublisher, logger: Logger,
        metrics: MetricsRegistry, spawn: @escaping AMQPConsumer.Spawn, handler: @escaping Handler
    ) throws {
        name = "consumer \(queue.name)"
        var configuration = AMQPConsumer.Configuration()
        configuration.prefetch = prefetch
        configuration.name = "switchyard \(queue.name)"
        let logger = logger.with([.queue: .string(queue.name)])
        consumer = try AMQPConsumer(
            urls: urls, topology: AMQPTopology([queue, Topology.deadLetters]), queue: queue.name,
            configuration: configuration, logger: logger, metrics: metrics, spawn: spawn
        ) { delivery in
            let events: EventDelivery
            do {
                events = try EventDelivery(queue: queue, delivery)
            } catch {
                logger.warning("message is not a CloudEvent", [.error: .string("\(error)")])
                return .reject
            }
            if let firstRefused = events.refused.first {
                logger.warning(
                    "events of a batch cannot be read",
                    [.count: .int(events.refused.count), .error: .string("\(firstRefused.error)")])
            }
            switch events.settlement(await handler(events.events)) {
            case .whole(let outcome): return outcome
            case .separated(let messages): return await Self.send(messages, publisher, logger)
            }
        }
    }

    /// - Returns: the outcome of the message that they were separated from.
    private static func send(
        _ messages: [AMQPMessage], _ publisher: AMQPPublisher, _ logger: Logger
    ) async -> AMQPOutcome {
        let failures = await publisher.outcomes(of: messages).compactMap { $0 }
        guard let failure = failures.first else { return .done }
        logger.warning(
            "events could not be separated from their batch",
            [.count: .int(failures.count), .error: .string("\(failure)")])
        return failures.allSatisfy(\.isRetryable) ? .retry : .reject
    }

    /// How often the queue's connection was established.
    package var connections: Int { consumer.connections }

    package func run(until shutdown: ShutdownSignal) async throws {
        try await shutdown.cancelling { [consumer] in try await consumer.run() }
    }
}
