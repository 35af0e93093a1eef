import AMQPClient
import Configuration
import Contracts
import EventLoop
import HTTPServer
import ServiceHost
import ServiceLifecycle

/// The service that tells people and agents what happens: event streams, notifications, the feed.
package enum NotifierService: HostedService {
    package struct Settings: Sendable {}

    package static let name = ServiceName.notifier

    package static func settings(_ reader: ConfigurationReader) -> Settings {
        Settings()
    }

    package static func assemble(_ context: ServiceContext, _ settings: Settings) throws -> ServiceParts {
        let hub = EventHub(metrics: context.metrics)
        let log = EventLog(postgres: context.postgres)
        let follower = LogFollower(log: log, hub: hub, loop: context.loops.next(), logger: context.logger)
        let consumer = try context.consume(Topology.notify(instance: context.instance), prefetch: 500) { events in
            // A durable event is only news that the log has more; the others are passed on as they came.
            if events.contains(where: { $0.sequence != nil }) { follower.wake() }
            hub.pass(transient: events.filter { $0.sequence == nil })
            return .done
        }
        var router = Router()
        StreamRoutes(context: context, log: log, hub: hub).add(to: &router)
        NotifyRoutes(context: context, store: ActivityStore(postgres: context.postgres)).add(to: &router)
        ActivityRoutes(context: context, store: ActivityStore(postgres: context.postgres)).add(to: &router)
        return ServiceParts(router: router, services: [follower, consumer])
    }
}
