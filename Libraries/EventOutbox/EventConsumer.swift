import AMQPClient
import Contracts
import EventLoop
import Observability
import ServiceLifecycle

/// Takes events from one queue, in either form, and settles each by what the handler says of it.
///
/// The good ones of a batch are dealt with once. Those to be tried again go back to this queue alone, and those that cannot
/// be handled, or not even read, to the dead letters alone, confirmed by the broker before the batch is acknowledged: a
/// process that dies in between repeats some, and loses none. A message that has no event at all goes to the dead letters
/// as it is.
package struct EventConsumer: GracefulService {
    package typealias Handler = @Sendable ([CloudEvent]) async -> EventOutcomes

    package let name: String
    private let consumer: AMQPConsumer

    /// - Parameters:
    ///   - queue: declared on every connection, with its bindings.
    ///   - prefetch: messages handed out before one is acknowledged.
    ///   - publisher: sends what is separated from a batch.
    ///   - spawn: starts a handler's task where it should run.
    ///   - handler: gets all events of one message.
    package init(
        urls: String, queue: Contracts.Queue, prefetch: UInt16, publisher: AMQPPublisher, logger: Logger,
        metrics: MetricsRegistry, spawn: @escaping AMQPConsumer.Spawn, handler: @escaping Handler
    ) throws {
        name = "consumer \(queue.name)"
        var configuration = AMQPConsumer.Configuration()
        configuration.prefetch = prefetch
        configuration.name = "switchyard \(queue.name)"
        let logger = logger.with([.queue: .string(queue.name)])
        consumer = try AMQPConsumer(
            urls: urls, topology: AMQPTopology([queue, Topology.dead]), queue: queue.name,
            configuration: configuration, logger: logger, metrics: metrics, spawn: spawn
        ) { delivery in
            let events: EventDelivery
            do {
                events = try EventDelivery(queue: queue, delivery)
            } catch {
                logger.warning("message is not a CloudEvent", [.error: .string("\(error)")])
                return .reject
            }
            if let refused = events.refused.first {
                logger.warning(
                    "events of a batch cannot be read",
                    [.count: .int(events.refused.count), .error: .string("\(refused.error)")])
            }
            switch events.settlement(await handler(events.events)) {
            case .whole(let outcome): return outcome
            case .separated(let messages): return await Self.send(messages, publisher, logger)
            }
        }
    }

    /// - Returns: what becomes of the message they were separated from.
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

    package var state: AMQPState { consumer.state }

    /// How often the queue's connection was made.
    package var connections: Int { consumer.connections }

    package func run(until shutdown: ShutdownSignal) async throws {
        try await shutdown.cancelling { [consumer] in try await consumer.run() }
    }
}
