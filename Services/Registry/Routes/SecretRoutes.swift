import Authentication
import Contracts
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import Secrets
import ServiceHost
import UVHTTPServer

/// Secrets of one workspace and global ones. Values are returned to the workspace's own token only.
struct SecretRoutes: Sendable {
    let context: ServiceContext
    let store: SecretStore
    let vault: SecretVault

    func add(to router: inout Router) {
        let own = "/workspaces/{id}/secrets"
        router.on(.get, own) { try await list(try await workspace($0)) }
        router.on(.post, own) { try await put($0, try await workspace($0)) }
        router.on(.put, own) { try await put($0, try await workspace($0)) }
        router.on(.delete, own + "/{key}") { try await remove($0, try await workspace($0)) }
        router.on(.get, own + "/values", options: RouteOptions(isReading: false), values)
        for all in ["/settings/secrets", "/admin/secrets"] {
            router.on(.get, all) { try await list(try await global($0)) }
            router.on(.post, all) { try await put($0, try await global($0)) }
            router.on(.put, all) { try await put($0, try await global($0)) }
            router.on(.delete, all + "/{key}") { try await remove($0, try await global($0)) }
        }
    }

    /// The owner of the secrets: the workspace in the path.
    private func workspace(_ request: Request) async throws -> UUID? {
        try await WorkspaceAuthorization(context: context).owned(request)
    }

    /// Global secrets, of all workspaces, for operators.
    private func global(_ request: Request) async throws -> UUID? {
        try await context.authenticator.admin(request)
        return nil
    }

    private func list(_ workspace: UUID?) async throws -> Response {
        try .wire(.ok, try await store.list(workspace))
    }

    private func put(_ request: Request, _ workspace: UUID?) async throws -> Response {
        let body = try await request.decode(SecretRequest.self)
        try SecretRule.check(body)
        try await vault.put(body.value, at: SecretID(workspace: workspace, key: body.key))
        return try .wire(.ok, StatusResponse(status: "saved"))
    }

    private func remove(_ request: Request, _ workspace: UUID?) async throws -> Response {
        let key = request.parameters["key"] ?? ""
        try SecretRule.check(key: key)
        guard try await vault.remove(SecretID(workspace: workspace, key: key)) else {
            throw APIError(.notFound, ErrorMessage.secretNotFound)
        }
        return try .wire(.ok, StatusResponse(status: "deleted"))
    }

    /// For agents outside the platform's containers. Operators set secrets, but cannot read them here.
    private func values(_ request: Request) async throws -> Response {
        let id = try await WorkspaceAuthorization(context: context).owned(request)
        switch request.context.identity as? Identity {
        case .workspace(id): break
        case .anonymous: throw APIError(.unauthorized, ErrorMessage.missingWorkspaceToken)
        default: throw APIError(.forbidden, ErrorMessage.secretValuesAreTheWorkspaces)
        }
        let values = try await vault.environment(of: id)
        var response = Response.json { writer in
            for (key, value) in values.sorted(by: { $0.key < $1.key }) { writer.member(key, value) }
        }
        response.headers.add("Cache-Control", "no-store")
        return response
    }
}

extension SecretError: APIErrorConvertible {
    package var apiError: APIError {
        switch self {
        case .noWorkspace: APIError(.notFound, description)
        case .undecryptableGlobal, .undecryptableWorkspace: APIError(.internalServerError, description)
        }
    }
}
