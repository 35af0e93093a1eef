import Authentication
import Contracts
import HTTPCore
import ServiceHost
import UVHTTPServer

/// `/admin/liveness`: when each pass and loop of the platform last ticked.
struct SweeperRoutes: Sendable {
    let context: ServiceContext
    let ticks: TickStore

    func add(to router: inout Router) {
        router.on(.get, "/admin/liveness") { request in
            try await context.authenticator.admin(request)
            return try .wire(.ok, LivenessResponse(subsystems: try await ticks.all()))
        }
    }
}
