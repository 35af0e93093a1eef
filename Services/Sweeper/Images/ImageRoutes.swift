import Authentication
import Contracts
import HTTPCore
import JSONBytes
import Observability
import PlatformInternals
import ServiceHost
import Synchronization
import UVHTTPServer
import UVLoop

/// `POST /admin/workspace-images/refresh`: pulls images now, changed or not.
final class ImageRoutes: Sendable {
    private let context: ServiceContext
    /// `nil` where no container engine is configured.
    private let refresher: ImageRefresher?
    /// One at a time: a client that repeats a slow request must not cause a second restart of the fleet.
    private let isRefreshing = Mutex(false)

    init(context: ServiceContext, refresher: ImageRefresher?) {
        self.context = context
        self.refresher = refresher
    }

    func add(to router: inout Router) {
        router.on(.post, "/admin/workspace-images/refresh", refresh)
    }

    private func refresh(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        guard let refresher else { throw APIError(.serviceUnavailable, ErrorMessage.provisionerNotAvailable) }
        let recreates = try request.flag("recreate")
        let known = refresher.knownRuntimes
        var runtimes = known
        if let runtime = request.query("runtime"), !runtime.isEmpty {
            guard known.contains(runtime) else { return Self.unknownRuntime(known) }
            runtimes = [runtime]
        }
        let chosen = runtimes
        let isFirst = isRefreshing.withLock { isRefreshing in
            defer { isRefreshing = true }
            return !isRefreshing
        }
        guard isFirst else { throw APIError(.conflict, "a refresh is under way") }
        // In a separate task: a client that disconnects meanwhile does not cancel a pull.
        let response = await Task(executorPreference: context.loops.next()) { [self] in
            defer { isRefreshing.withLock { $0 = false } }
            return await refresh(chosen, recreates, refresher)
        }.value
        return try .wire(.ok, response)
    }

    private func refresh(
        _ runtimes: [String], _ recreates: Bool, _ refresher: ImageRefresher
    ) async -> ImageRefreshResponse {
        var response = ImageRefreshResponse(pulled: [], failed: [], recreated: [])
        for runtime in runtimes {
            do {
                response.recreated += try await refresher.refresh(runtime, recreates: recreates)
                response.pulled.append(runtime)
            } catch {
                context.logger.warning("image not refreshed", [.runtime: .string(runtime), .error: .error(error)])
                response.failed.append(runtime)
            }
        }
        return response
    }

    private static func unknownRuntime(_ known: [String]) -> Response {
        .json(.badRequest) { writer in
            writer.member("error", ErrorMessage.unknownRuntime)
            writer.member("known_runtimes", strings: known)
        }
    }
}
