import Authentication
import Contracts
import HTTPCore
import JSONBytes
import ServiceHost
import UVHTTPServer

/// `/admin/instances`: the running instances, and the events that are not published yet.
struct InstanceRoutes: Sendable {
    let context: ServiceContext
    let store: ServiceInstanceStore

    func add(to router: inout Router) {
        router.on(.get, "/admin/instances", list)
    }

    private func list(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let (instances, events) = (try await store.all(), try await store.unpublished())
        return .json { writer in
            writer.member("instances", array: { writer in for instance in instances { instance.write(to: &writer) } })
            writer.member(
                "unpublished_events",
                object: { writer in
                    writer.member("count", events.count)
                    writer.member("oldest_seconds", orNull: events.oldestSeconds)
                })
        }
    }
}

extension ServiceInstance {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("instance", instance)
            writer.member("service", service)
            writer.member("version", version)
            writer.member("started_at", RFC3339.format(startedAt))
            writer.member("last_seen_at", RFC3339.format(lastSeenAt))
            writer.member("address", address)
            writer.member("is_ready", isReady)
            writer.member("is_alive", isAlive)
            writer.member("not_ready_since", orNull: notReadySince.map { RFC3339.format($0) })
            writer.member("dependencies", raw: dependencies)
        }
    }
}
