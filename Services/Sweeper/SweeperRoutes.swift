import Authentication
import Contracts
import HTTPCore
import HTTPServer
import JSONBytes
import ServiceHost

/// `/admin/liveness`: when each pass and loop of the platform last ticked.
struct SweeperRoutes: Sendable {
    let context: ServiceContext
    let ticks: TickStore

    func add(to router: inout Router) {
        router.on(.get, "/admin/liveness") { request in
            try await context.authenticator.admin(request)
            let all = try await ticks.all()
            return .json { writer in
                writer.member(
                    "subsystems",
                    object: { writer in
                        for tick in all {
                            writer.member(
                                tick.name,
                                object: { writer in
                                    writer.member("last_tick_at", RFC3339.format(tick.at))
                                    writer.member("seconds_ago", Int(tick.secondsAgo))
                                })
                        }
                    })
            }
        }
    }
}
