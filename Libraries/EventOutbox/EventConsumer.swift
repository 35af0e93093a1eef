import AMQPClient
import Contracts
import EventLoop
import Observability
import ServiceLifecycle

/// Takes events from one queue, in either form, and acknowledges them by what the handler says.
///
/// A message that is no CloudEvent can never be handled: it goes to the dead letters at once. An event of a batch that
/// cannot be read is logged and left out; the others are handled.
package struct EventConsumer: GracefulService {
    package typealias Handler = @Sendable ([CloudEvent]) async -> AMQPOutcome

    package let name: String
    private let consumer: AMQPConsumer

    /// - Parameters:
    ///   - queue: declared on every connection, with its bindings.
    ///   - prefetch: messages handed out before one is acknowledged.
    ///   - spawn: starts a handler's task where it should run.
    ///   - handler: gets all events of one message.
    package init(
        urls: String, queue: Contracts.Queue, prefetch: UInt16, logger: Logger, metrics: MetricsRegistry,
        spawn: @escaping AMQPConsumer.Spawn, handler: @escaping Handler
    ) throws {
        name = "consumer \(queue.name)"
        var configuration = AMQPConsumer.Configuration()
        configuration.prefetch = prefetch
        configuration.name = "switchyard \(queue.name)"
        consumer = try AMQPConsumer(
            urls: urls, topology: AMQPTopology([queue, Topology.dead]), queue: queue.name,
            configuration: configuration, logger: logger, metrics: metrics, spawn: spawn
        ) { delivery in
            do {
                let batch = try CloudEvent.decodeEach(delivery.message.body)
                if let error = batch.refused.first {
                    logger.warning(
                        "events of a batch cannot be read",
                        [
                            .queue: .string(queue.name), .count: .int(batch.refused.count),
                            .error: .string("\(error)"),
                        ])
                }
                return await handler(batch.events)
            } catch {
                logger.warning(
                    "message is not a CloudEvent", [.queue: .string(queue.name), .error: .string("\(error)")])
                return .reject
            }
        }
    }

    package var state: AMQPState { consumer.state }

    /// How often the queue's connection was made.
    package var connections: Int { consumer.connections }

    package func run(until shutdown: ShutdownSignal) async throws {
        try await shutdown.cancelling { [consumer] in try await consumer.run() }
    }
}
