import Authentication
import Contracts
import Foundation
import HTTPCore
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// The health of schedules: for the workspace's peers, and for operators.
struct ScheduleHealthRoutes: Sendable {
    let context: ServiceContext
    let store: ScheduleHealthStore

    func add(to router: inout Router) {
        router.on(.get, "/workspaces/{id}/schedules/health", health)
        router.on(.get, "/admin/schedules/health", unhealthy)
    }

    /// For peers that may communicate with the workspace, authenticated by id and token.
    private func health(_ request: Request) async throws -> Response {
        guard request.headers["x-workspace-id"]?.isEmpty == false else {
            throw APIError(.unauthorized, ErrorMessage.workspaceIDHeaderRequired)
        }
        guard case .workspace(let caller) = try await context.authenticator.caller(request) else {
            throw APIError(.unauthorized, ErrorMessage.workspaceIDHeaderRequired)
        }
        let id = try request.uuid("id", orError: ErrorMessage.invalidWorkspaceID)
        guard let from = try await store.position(of: caller), let target = try await store.position(of: id),
            from.canCommunicate(with: target)
        else { throw APIError(.forbidden, ErrorMessage.accessDenied) }
        return try .wire(.ok, try await store.health(of: id))
    }

    private func unhealthy(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        return try .wire(.ok, try await store.unhealthy())
    }
}
