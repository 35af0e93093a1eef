import Configuration
import HTTPServer
import ServiceHost

/// The service that tells people and agents what happens: event streams, notifications, the feed.
package enum NotifierService: HostedService {
    package struct Settings: Sendable {}

    package static let name = ServiceName.notifier

    package static func settings(_ reader: ConfigurationReader) -> Settings {
        Settings()
    }

    package static func assemble(_ context: ServiceContext, _ settings: Settings) throws -> ServiceParts {
        ServiceParts(router: Router())
    }
}
