import Configuration
import HTTPServer
import ServiceHost

/// The service that keeps cron schedules. It runs with health, readiness, metrics, configuration and shutdown;
/// schedules themselves are not served yet.
package enum SchedulerService: HostedService {
    package struct Settings: Sendable {}

    package static let name = ServiceName.scheduler

    package static func settings(_ reader: ConfigurationReader) -> Settings {
        Settings()
    }

    package static func assemble(_ context: ServiceContext, _ settings: Settings) throws -> ServiceParts {
        ServiceParts(router: Router())
    }
}
