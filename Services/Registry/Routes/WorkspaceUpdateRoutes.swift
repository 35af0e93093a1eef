import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// `PATCH /workspaces/{id}`.
struct WorkspaceUpdateRoutes: Sendable {
    let context: ServiceContext
    let store: WorkspaceUpdateStore

    func add(to router: inout Router) {
        router.on(.patch, "/workspaces/{id}", update)
    }

    private func update(_ request: Request) async throws -> Response {
        let id = try await WorkspaceAuthorization(context: context).owned(request)
        let body = try await request.decode(
            UpdateWorkspaceRequest.self, orError: ErrorMessage.invalidWorkspacePayload)
        if case .workspace = request.context.identity as? Identity { try WorkspaceUpdateRule.checkOwn(body) }
        try WorkspaceUpdateRule.check(body)
        let update = try await store.update(id, body, traceparent: request.context.traceparent)
        context.relay.committed(update.events)
        let needsRestart = update.fields.contains("workspace_dir") ? true : nil
        return try .wire(.ok, UpdateWorkspaceResponse(needsRestart: needsRestart))
    }
}
