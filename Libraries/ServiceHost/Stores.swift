import AMQP
import Authentication
import Contracts
import EventOutbox
import Foundation
import Observability
import PlatformInternals
import Postgres
import Redis
import ServiceLifecycle
import UVLoop

/// The connections of one process, and the context made of them.
struct Stores: Sendable {
    let context: ServiceContext
    let audit: AuditLog
    private let invalidation: InvalidationService

    init(service: ServiceName, _ common: CommonConfiguration, _ logger: Logger) throws {
        let metrics = MetricsRegistry()
        let loops = EventLoopGroup(count: common.eventLoops)
        let instance = "\(service.rawValue)-\(UUID().lowercased.prefix(8))"
        let postgres = PostgresPool(
            url: common.databaseURL, group: loops,
            configuration: PostgresConfiguration(
                connectionsPerLoop: common.postgresConnectionsPerLoop, applicationName: instance),
            logger: logger, metrics: metrics)
        let redis = try RedisClient(url: common.redisURL, group: loops, logger: logger, metrics: metrics)
        let publisher = try AMQPPublisher(
            urls: common.amqpURLs, topology: AMQPTopology([]), logger: logger, metrics: metrics)
        let liveness = LivenessTracker(postgres: postgres, redis: redis, logger: logger)
        audit = AuditLog(postgres: postgres, service: service.rawValue, loops: loops, logger: logger)
        let authenticator = Authenticator(
            adminToken: common.adminToken, isDevelopment: common.isDevelopment, platformURL: common.platformURL,
            audit: audit, postgres: postgres, loops: loops, livenessTracker: liveness, logger: logger)
        let invalidation = CacheInvalidation()
        invalidation.register(
            event: { event in
                if let owner = event.ownerOfRevokedTokens { authenticator.invalidateTokens(of: owner) }
            }, gap: { authenticator.invalidateTokens() })
        context = ServiceContext(
            service: service, configuration: common, instance: instance, logger: logger, metrics: metrics,
            loops: loops, postgres: postgres, redis: redis, publisher: publisher,
            relay: EventRelay(postgres: postgres, publisher: publisher, logger: logger, metrics: metrics),
            broadcast: EventBroadcast(publisher: publisher, service: service.rawValue),
            authenticator: authenticator, livenessTracker: liveness, invalidation: invalidation)
        let consumer = try context.consume(
            Topology.invalidation(service: service.rawValue, instance: instance), prefetch: 500
        ) { events in
            invalidation.deliver(events)
            return .done
        }
        self.invalidation = InvalidationService(
            consumer: consumer, invalidation: invalidation, loop: loops.loops[0])
    }

    /// In the order of starting.
    var services: [any Service] {
        let (postgres, redis, publisher, audit) = (context.postgres, context.redis, context.publisher, audit)
        return [
            StoreService(name: "postgres") { await postgres.run() },
            ServiceFunction("audit-log") { shutdown in
                await shutdown.wait()
                await audit.flush()
            },
            StoreService(name: "redis") { await redis.run() },
            StoreService(name: "amqp-publisher") { try await publisher.run() },
            invalidation,
        ]
    }

    /// The dependencies that must respond before the service is ready, by name.
    func check() async -> [(name: String, isUp: Bool)] {
        let isPostgresUp = (try? await context.postgres.ping()) != nil
        return [
            ("postgres", isPostgresUp), ("rabbitmq", context.publisher.isReady), ("redis", context.redis.isReady),
        ]
    }
}

/// A store's connections as a service: they end by cancellation.
private struct StoreService: GracefulService {
    let name: String
    let body: @Sendable () async throws -> Void

    func run(until shutdown: ShutdownSignal) async throws {
        try await shutdown.cancelling { try await body() }
    }
}

extension CloudEvent {
    /// The owner whose tokens are no longer valid: a workspace that was removed or had one revoked; an operator's token
    /// is its own owner.
    fileprivate var ownerOfRevokedTokens: UUID? {
        guard kind == .tokenRevoked || kind == .workspaceRemoved else { return nil }
        return subject ?? (try? decodeData(as: TokenRevoked.self))?.tokenID
    }
}
