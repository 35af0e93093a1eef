import AMQP
import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import Observability
import PlatformInternals
import Postgres
import Redis
import ServiceLifecycle
import Synchronization
import UVHTTPServer
import UVLoop

/// The shared parts from which every service is built.
package struct ServiceContext: Sendable {
    package let service: ServiceName
    package let configuration: CommonConfiguration
    /// Unique to this process: owns leases, names exclusive queues.
    package let instance: String
    package let logger: Logger
    package let metrics: MetricsRegistry
    package let loops: EventLoopGroup
    package let postgres: PostgresPool
    package let redis: RedisClient
    package let publisher: AMQPPublisher
    package let relay: EventRelay
    package let broadcast: EventBroadcast
    package let authenticator: Authenticator
    package let livenessTracker: LivenessTracker
    package let invalidation: CacheInvalidation

    /// The `source` of this service's events.
    package var source: String { CloudEvent.source(ofService: service.rawValue) }

    /// Makes a consumer of a queue. Add it to the service's parts.
    ///
    /// - Parameters:
    ///   - prefetch: the most unacknowledged messages.
    ///   - handler: gets all events of one message, on a loop, and returns the outcome of each.
    package func consume(
        _ queue: BrokerQueue, prefetch: UInt16, _ handler: @escaping EventConsumer.Handler
    ) throws -> EventConsumer {
        let loops = loops
        return try EventConsumer(
            urls: configuration.amqpURLs, queue: queue, prefetch: prefetch, publisher: publisher,
            logger: logger, metrics: metrics,
            spawn: { operation in loops.next().spawn(operation) }, handler: handler)
    }
}

/// Passes invalidating events to this process's caches.
package final class CacheInvalidation: Sendable {
    private struct Handlers {
        var events: [@Sendable (CloudEvent) -> Void] = []
        var gaps: [@Sendable () -> Void] = []
    }

    private let handlers = Mutex(Handlers())

    /// - Parameters:
    ///   - event: called for every event whose type `invalidatesCaches`.
    ///   - gap: called when events may have been missed: the cache must be emptied.
    package func register(
        event: @escaping @Sendable (CloudEvent) -> Void, gap: @escaping @Sendable () -> Void
    ) {
        handlers.withLock { handlers in
            handlers.events.append(event)
            handlers.gaps.append(gap)
        }
    }

    func deliver(_ events: [CloudEvent]) {
        let handlers = handlers.withLock { $0.events }
        for event in events {
            for handler in handlers { handler(event) }
        }
    }

    func deliverGap() {
        for handler in handlers.withLock({ $0.gaps }) { handler() }
    }
}

extension ServiceContext {
    /// The platform's URL for clients: `PLATFORM_URL`, else the one that this client used.
    package func platformURL(for request: Request) -> String {
        if let url = configuration.platformURL { return url }
        let scheme = request.context.isSecure ? "https" : "http"
        return "\(scheme)://\(request.headers["host"] ?? "localhost")"
    }
}
