import Configuration
import Contracts
import Lifecycle
import Observability
import ServiceHost
import ServiceLifecycle
import UVHTTPServer
import UVLoop

/// The service that repairs what failures of other services, or of their stores, left behind.
package enum SweeperService: HostedService {
    package struct Settings: Sendable {
        var livenessTTL: Int
        var remoteTTL: Int
        var lifecycle: LifecycleSettings
        var retention: RetentionSettings
        var containers: ContainerSettings
    }

    package static let name = ServiceName.sweeper

    package static func settings(_ reader: ConfigurationReader) -> Settings {
        Settings(
            livenessTTL: reader.int(
                "LIVENESS_TTL_SECONDS", default: 180, in: 1...86_400,
                "Seconds without a sign of life after which a workspace is offline."),
            remoteTTL: reader.int(
                "REMOTE_LIVENESS_STALE_AFTER", default: 90, in: 1...86_400,
                "The same for external workspaces."),
            lifecycle: LifecycleSettings(reader, isDevelopment: CommonConfiguration.isDevelopment(reader)),
            retention: RetentionSettings(reader),
            containers: ContainerSettings(reader))
    }

    package static func assemble(_ context: ServiceContext, _ settings: Settings) throws -> ServiceParts {
        let ticks = TickStore(postgres: context.postgres, instance: context.instance)
        let metrics = SweepMetrics(context.metrics)
        let dead = DeadMessageStore(postgres: context.postgres)
        let collector = try DeadLetterCollector(
            urls: context.configuration.amqpURLs, store: dead, logger: context.logger, metrics: context.metrics,
            spawn: { operation in context.loops.next().spawn(operation) })
        let lifecycle = LifecycleParts(
            settings.lifecycle, postgres: context.postgres, relay: context.relay, source: context.source,
            instance: context.instance, platformURL: context.configuration.platformURL, loops: context.loops,
            logger: context.logger, metrics: context.metrics)
        let liveness = LivenessStore(postgres: context.postgres, source: context.source)
        let containers = ContainerPasses(
            settings.containers, lifecycle, settings.lifecycle.provisioner, livenessTTL: settings.livenessTTL, context)
        let all: [any SweepPass] =
            passes(context, settings, liveness, lifecycle) + [DeadLetterPass(collector: collector)] + containers.passes
        let runners = all.map { pass in
            PassRunner(
                pass: pass, loop: context.loops.next(), logger: context.logger, metrics: metrics, ticks: ticks)
        }
        var router = Router()
        SweeperRoutes(context: context, ticks: ticks).add(to: &router)
        InstanceRoutes(context: context, store: ServiceInstanceStore(postgres: context.postgres)).add(to: &router)
        ImageRoutes(context: context, refresher: containers.refresher).add(to: &router)
        DeadMessageRoutes(context: context, store: dead).add(to: &router)
        LivenessGuardRoutes(context: context, store: liveness) { scope in
            Double(scope == .managed ? settings.livenessTTL : settings.remoteTTL)
        }.add(to: &router)
        return ServiceParts(router: router, services: [collector] + runners + lifecycle.services)
    }

    private static func passes(
        _ context: ServiceContext, _ settings: Settings, _ liveness: LivenessStore, _ lifecycle: LifecycleParts
    ) -> [any SweepPass] {
        let metrics = LivenessMetrics(context.metrics)
        func livenessPass(_ scope: SweepScope, every interval: Duration, ttl: Int) -> LivenessPass {
            LivenessPass(
                scope: scope, interval: interval, ttl: Double(ttl), store: liveness, relay: context.relay,
                metrics: metrics, logger: context.logger)
        }
        let queue = ExpiredLeaseStore(postgres: context.postgres, source: context.source)
        return [
            livenessPass(.managed, every: .seconds(5), ttl: settings.livenessTTL),
            livenessPass(.remote, every: .seconds(15), ttl: settings.remoteTTL),
            LeasePass(store: queue, relay: context.relay), AbandonedItemsPass(store: queue, relay: context.relay),
            EventRelayPass(postgres: context.postgres, publisher: context.publisher, logger: context.logger),
            LivenessTrimPass(redis: context.redis, age: settings.retention.redisLiveness),
            RetentionPass(
                store: RetentionStore(postgres: context.postgres, instance: context.instance),
                settings: settings.retention, logger: context.logger),
        ] + hibernation(context, lifecycle)
    }

    /// Without a provisioner no workspace is hibernated.
    private static func hibernation(_ context: ServiceContext, _ lifecycle: LifecycleParts) -> [any SweepPass] {
        guard lifecycle.store.hasProvisioner else { return [] }
        let store = HibernationStore(postgres: context.postgres, lifecycle: lifecycle.store)
        return [
            HibernationPass(
                interval: .seconds(120), store: store, relay: context.relay, worker: lifecycle.worker,
                logger: context.logger)
        ]
    }
}
