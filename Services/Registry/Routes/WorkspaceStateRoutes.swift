import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// `GET /workspaces/{id}/state`, and an external watcher's report of a failed boot.
struct WorkspaceStateRoutes: Sendable {
    let context: ServiceContext
    let store: WorkspaceStateStore

    func add(to router: inout Router) {
        router.on(.get, "/workspaces/{id}/state", state)
        router.on(.post, "/admin/workspaces/{id}/bootstrap-failed", bootstrapFailed)
    }

    private func state(_ request: Request) async throws -> Response {
        let id = try await pollingWorkspace(request)
        guard let status = try await store.status(of: id), status != .removed else { throw try await gone(id) }
        return try .wire(
            .ok, WorkspaceState(workspaceID: id, status: status, paused: status == .paused, deleted: false))
    }

    /// The workspace, for an operator, for itself, and for the agent of a removed one: agents poll to detect their
    /// removal.
    private func pollingWorkspace(_ request: Request) async throws -> UUID {
        do {
            return try await WorkspaceAuthorization(context: context).authorized(request)
        } catch let refusal as APIError where refusal.status == .unauthorized {
            guard let id = UUID(canonical: request.parameters["id"] ?? ""),
                try await context.authenticator.isOfRemoved(id, request)
            else { throw refusal }
            return id
        }
    }

    private func gone(_ id: UUID) async throws -> APIError {
        var members: [(name: String, value: APIError.Member)] = [
            ("workspace_id", .string(id.lowercased)), ("deleted", .bool(true)),
        ]
        if let status = try await store.status(of: id) { members.append(("status", .string(status.rawValue))) }
        return APIError(.notFound, ErrorMessage.workspaceNotFound, members: members)
    }

    private func bootstrapFailed(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let id = try request.uuid("id", orError: ErrorMessage.invalidWorkspaceID)
        if let event = try await store.failBootstrap(id, traceparent: request.context.traceparent) {
            context.relay.committed([event])
            return try .wire(.ok, StatusResponse(status: WorkspaceStatus.failed.rawValue))
        }
        guard let status = try await store.status(of: id), status != .removed else {
            throw APIError(.notFound, ErrorMessage.workspaceNotFound)
        }
        throw APIError(.conflict, ErrorMessage.notProvisioning, members: [("status", .string(status.rawValue))])
    }
}
