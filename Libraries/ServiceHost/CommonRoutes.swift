import Contracts
import HTTPCore
import JSONBytes
import Observability
import ServiceLifecycle
import Synchronization
import UVHTTPServer

/// Whether the service is ready to take requests.
final class ReadinessProbe: Sendable {
    private let stores: Stores
    private let shutdown = Mutex<ShutdownSignal?>(nil)

    init(stores: Stores) {
        self.stores = stores
    }

    /// Takes the signal from which on the service is not ready.
    func begin(_ signal: ShutdownSignal) {
        shutdown.withLock { $0 = signal }
    }

    var isShuttingDown: Bool { shutdown.withLock { $0?.isGiven ?? false } }

    func check() async -> [(name: String, isUp: Bool)] { await stores.check() }
}

/// `/health`, `/ready` and `/metrics`, which every service serves.
struct CommonRoutes: Sendable {
    let readiness: ReadinessProbe
    let metrics: MetricsRegistry

    func add(to router: inout Router) {
        router.on(.get, "/health", options: RouteOptions(rateLimit: .exempt)) { _ in
            .json { $0.member("status", "ok") }
        }
        router.on(.get, "/ready", options: RouteOptions(rateLimit: .exempt)) { _ in await ready() }
        router.on(.get, "/metrics", options: RouteOptions(rateLimit: .exempt)) { _ in
            Response(
                .ok, headers: ["Content-Type": MetricsRegistry.contentType],
                body: .bytes(metrics.exposition()))
        }
    }

    /// Ready when every dependency responds; the response names each.
    private func ready() async -> Response {
        if readiness.isShuttingDown {
            return .json(.serviceUnavailable) { $0.member("status", "shutting down") }
        }
        let checks = await readiness.check()
        let isReady = checks.allSatisfy(\.isUp)
        return .json(isReady ? .ok : .serviceUnavailable) { writer in
            writer.member("status", isReady ? "ready" : "waiting")
            writer.member(
                "dependencies",
                object: { writer in
                    for check in checks { writer.member(check.name, check.isUp ? "up" : "down") }
                })
        }
    }
}
