import Configuration
import ServiceHost
import ServiceLifecycle
import UVHTTPServer
import UVLoop

/// The service that stores cron schedules and fires them.
package enum SchedulerService: HostedService {
    package struct Settings: Sendable {}

    package static let name = ServiceName.scheduler

    package static func settings(_ reader: ConfigurationReader) -> Settings {
        Settings()
    }

    package static func assemble(_ context: ServiceContext, _ settings: Settings) throws -> ServiceParts {
        let (postgres, source) = (context.postgres, context.source)
        var router = Router()
        ScheduleRoutes(
            context: context, store: ScheduleStore(postgres: postgres, source: source),
            runs: ManualRunStore(postgres: postgres, source: source)
        ).add(to: &router)
        FleetScheduleRoutes(context: context, store: FleetScheduleStore(postgres: postgres)).add(to: &router)
        ScheduleHealthRoutes(context: context, store: ScheduleHealthStore(postgres: postgres)).add(to: &router)
        return ServiceParts(router: router, services: work(context))
    }

    private static func work(_ context: ServiceContext) -> [any Service] {
        let (postgres, source, relay, broadcast) = (context.postgres, context.source, context.relay, context.broadcast)
        let metrics = SchedulerMetrics(context.metrics)
        let ticks = TickStore(postgres: postgres, instance: context.instance)
        let firing = Firing(
            store: FiringStore(postgres: postgres, source: source), relay: relay, broadcast: broadcast,
            metrics: metrics, logger: context.logger)
        let recording = Recording(
            store: OutcomeStore(postgres: postgres, source: source), relay: relay, broadcast: broadcast,
            metrics: metrics, logger: context.logger)
        let phantoms = PhantomBusySearch(
            store: PhantomBusyStore(postgres: postgres), metrics: metrics, logger: context.logger)
        func periodic(
            _ name: String, every interval: Duration, _ work: @escaping @Sendable () async throws -> [String: Int]
        ) -> PeriodicWork {
            PeriodicWork(
                name: name, interval: interval, loop: context.loops.next(), ticks: ticks, logger: context.logger,
                work: work)
        }
        return [
            periodic("scheduler", every: .milliseconds(250)) { try await firing.fireDue() },
            periodic("schedule-planning", every: .seconds(1)) { ["planned": try await firing.plan()] },
            periodic("schedule-outcomes", every: .milliseconds(500)) { try await recording.recordEnded() },
            periodic("schedule-turns", every: .seconds(30)) { try await recording.beginTurns() },
            periodic("phantom-busy", every: .seconds(60)) { try await phantoms.reset() },
        ]
    }
}
