import Configuration
import ServiceLifecycle
import UVHTTPServer

/// One of the five services, as its main file names it.
package protocol HostedService {
    associatedtype Settings: Sendable

    static var name: ServiceName { get }

    /// Reads the service's own configuration, beside the common one.
    static func settings(_ reader: ConfigurationReader) -> Settings

    /// Builds stores, rules and routes, and passes them down.
    static func assemble(_ context: ServiceContext, _ settings: Settings) throws -> ServiceParts
}

/// The routes and parts of a service, beside those that all have in common.
package struct ServiceParts: Sendable {
    package var router: Router
    /// Started in this order, stopped in reverse, within the grace period.
    package var services: [any Service]

    package init(router: Router, services: [any Service] = []) {
        self.router = router
        self.services = services
    }
}
