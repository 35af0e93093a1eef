import Configuration
import Foundation
import Lifecycle
import Observability
import Provisioning
import ServiceHost
import UVLoop

/// The configuration of the container passes.
package struct ContainerSettings: Sendable {
    /// Seconds for all runtimes; `nil` for each runtime's own timeout.
    var provisionTimeout: Int?
    /// 0 for ever.
    var volumeRetentionHours: Int
    var refreshesImages: Bool

    package init(_ reader: ConfigurationReader) {
        provisionTimeout = reader.optionalInt(
            "PROVISION_TIMEOUT_SECONDS", in: 1...1_000_000,
            "Seconds that a workspace may be provisioning, whatever its runtime or template says.")
        volumeRetentionHours = reader.int(
            "ORPHAN_VOLUME_RETENTION_HOURS", default: 24, in: 0...100_000,
            "Hours for which a volume of ours is kept of which the database knows nothing; 0 keeps it for ever.")
        refreshesImages = reader.bool(
            "IMAGE_AUTO_REFRESH", default: false,
            "Looks for new images every 5 minutes, pulls them and has the containers made anew.")
    }
}

/// The passes that query a container engine or a control plane, or wait for its work.
struct ContainerPasses: Sendable {
    let passes: [any SweepPass]
    /// `nil` where no container engine is configured.
    let refresher: ImageRefresher?

    init(
        _ settings: ContainerSettings, _ lifecycle: LifecycleParts, _ engine: ProvisionerSettings,
        livenessTTL: Int, _ context: ServiceContext
    ) {
        let worker = lifecycle.worker
        let wake: @Sendable () -> Void = { worker.wake() }
        let (postgres, source, logger) = (context.postgres, context.source, context.logger)
        let leases = LeaseStore(
            postgres: postgres, instance: context.instance, loop: context.loops.next(), logger: logger)
        refresher = (lifecycle.provisioner as? any ImageBackend).map { backend in
            ImageRefresher(
                images: engine.images, backend: backend,
                registry: ImageRegistry(credentials: engine.credentials, loops: context.loops),
                store: ImageStore(postgres: postgres, lifecycle: lifecycle.store), leases: leases,
                wake: wake, loop: context.loops.next())
        }
        var passes: [any SweepPass] = [
            ProvisionTimeoutPass(
                override: settings.provisionTimeout, templates: lifecycle.templates,
                store: ProvisionTimeoutStore(postgres: postgres, source: source), relay: context.relay, logger: logger)
        ]
        if lifecycle.provisioner.isConfigured {
            passes += [
                OrphanPass(
                    provisioner: lifecycle.provisioner, store: OrphanStore(postgres: postgres), leases: leases,
                    wake: wake, retention: Self.seconds(settings.volumeRetentionHours),
                    gauges: context.metrics.gauges(
                        "switchyard_orphans", "Containers and volumes without a row.", labels: ["kind"]),
                    logger: logger),
                ContainerHealthPass(
                    provisioner: lifecycle.provisioner,
                    store: ContainerHealthStore(postgres: postgres, source: source), leases: leases,
                    relay: context.relay, wake: wake,
                    holds: LivenessMetrics.holds(context.metrics).labelled("containers"),
                    period: TimeInterval(livenessTTL), logger: logger),
            ]
        }
        if settings.refreshesImages, let refresher { passes.append(ImagePass(refresher: refresher, logger: logger)) }
        self.passes = passes
    }

    private static func seconds(_ hours: Int) -> TimeInterval? { hours == 0 ? nil : TimeInterval(hours) * 3600 }
}
