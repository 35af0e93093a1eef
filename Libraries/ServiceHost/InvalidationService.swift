import AMQP
import Contracts
import EventOutbox
import ServiceLifecycle
import UVLoop

/// Feeds `CacheInvalidation` from a queue of this process's own, and notices reconnects: an exclusive queue misses what
/// is published meanwhile, so the caches are emptied.
struct InvalidationService: GracefulService {
    /// A gap that is noticed this late is still far within the 30 s for which cached entries are valid.
    private static let watchInterval: Duration = .milliseconds(500)

    let name = "cache-invalidation"
    let consumer: EventConsumer
    let invalidation: CacheInvalidation
    let loop: EventLoop

    func run(until shutdown: ShutdownSignal) async throws {
        let watch = Task(executorPreference: loop) {
            var connections = 0
            while !Task.isCancelled {
                let now = consumer.connections
                if now != connections { invalidation.deliverGap() }
                connections = now
                try await loop.sleep(for: Self.watchInterval)
            }
        }
        defer { watch.cancel() }
        try await consumer.run(until: shutdown)
    }
}
