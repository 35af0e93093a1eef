import AMQP
import Contracts
import EventOutbox
import Observability
import PlatformInternals
import ServiceLifecycle
import Synchronization
import UVLoop

/// Continuously moves messages from `switchyard.dead` into `dead_messages`: a letter is acknowledged once its row is
/// committed, so that none is lost, and redeliveries are deduplicated.
package struct DeadLetterCollector: GracefulService {
    /// A message may have 16 MiB, and there are several copies of it in memory while it is written.
    private static let prefetch: UInt16 = 8

    package let name = "dead letters"
    private let consumer: AMQPConsumer
    private let moved: Moved

    /// The letters moved since the last pass.
    fileprivate final class Moved: Sendable {
        let letters = Atomic<Int>(0)
    }

    package init(
        urls: String, store: DeadMessageStore, logger: Logger, metrics: MetricsRegistry,
        spawn: @escaping AMQPConsumer.Spawn = { operation in Task { await operation() } }
    ) throws {
        let moved = Moved()
        self.moved = moved
        var configuration = AMQPConsumer.Configuration()
        configuration.prefetch = Self.prefetch
        configuration.name = "switchyard dead letters"
        let notStored = RepeatedWarning("dead letters cannot be stored", logger)
        consumer = try AMQPConsumer(
            urls: urls, topology: AMQPTopology([Topology.deadLetters]), queue: Topology.deadLetters.name,
            configuration: configuration, logger: logger, metrics: metrics, spawn: spawn
        ) { delivery in
            let letter = DeadLetter(delivery.message)
            do {
                guard try await store.add(letter) else { return .done }
                moved.letters.add(1, ordering: .relaxed)
                logger.warning(
                    "a message died",
                    [
                        .queue: .string(letter.queue ?? ""), .reason: .string(letter.reason ?? ""),
                        .event: .string(letter.type ?? ""),
                    ])
                return .done
            } catch {
                notStored.log([.error: .error(error)])
                return .retry
            }
        }
    }

    package var state: AMQPState { consumer.state }

    package func run(until shutdown: ShutdownSignal) async throws {
        try await shutdown.cancelling { [consumer] in try await consumer.run() }
    }

    fileprivate func takeCount() -> Int { moved.letters.exchange(0, ordering: .relaxed) }
}

/// Reports how many letters this instance has moved, or its failure.
package struct DeadLetterPass: SweepPass {
    package let name = "dead-letters"
    package let interval: Duration = .seconds(10)
    private let collector: DeadLetterCollector

    package init(collector: DeadLetterCollector) {
        self.collector = collector
    }

    package func run() async throws -> [String: Int] {
        if case .failed(let reason) = collector.state { throw AMQPError(.connection, reason) }
        return ["moved": collector.takeCount()]
    }
}
