import Configuration
import HTTPServer
import ServiceLifecycle

/// What a main file names: one of the five services, assembled in one place.
package protocol HostedService {
    associatedtype Settings: Sendable

    static var name: ServiceName { get }

    /// Reads what this service wants beside the common configuration.
    static func settings(_ reader: ConfigurationReader) -> Settings

    /// Builds stores, rules and routes, and passes them down.
    static func assemble(_ context: ServiceContext, _ settings: Settings) throws -> ServiceParts
}

/// What a service is made of, beside what all have in common.
package struct ServiceParts: Sendable {
    package var router: Router
    /// Started in this order, stopped in reverse, within the grace.
    package var services: [any Service]

    package init(router: Router, services: [any Service] = []) {
        self.router = router
        self.services = services
    }
}
