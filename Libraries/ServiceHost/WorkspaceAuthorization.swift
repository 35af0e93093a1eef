import Authentication
import Contracts
import Foundation
import HTTPCore
import PlatformInternals
import Postgres
import UVHTTPServer

/// The checks of all routes below `/workspaces/{id}`, in the contract's order: credential, syntax, existence.
package struct WorkspaceAuthorization: Sendable {
    let context: ServiceContext

    package init(context: ServiceContext) {
        self.context = context
    }

    private static let exists = Statement(
        "workspace_exists", "SELECT FROM workspaces WHERE id = $1 AND status <> 'removed'")

    /// For an operator or the workspace itself.
    ///
    /// - Returns: the workspace, which exists and is not removed.
    /// - Throws: `APIError` 401, 400, 404 or 503.
    package func owned(_ request: Request) async throws -> UUID {
        try await existing(try await authorized(request))
    }

    /// As `owned`, whether or not the workspace exists.
    package func authorized(_ request: Request) async throws -> UUID {
        try await context.authenticator.workspace(inPathOf: request)
    }

    /// For operators.
    ///
    /// - Throws: `APIError` 401, 400, 404 or 503.
    package func administered(_ request: Request) async throws -> UUID {
        try await context.authenticator.admin(request)
        return try await existing(try request.uuid("id", orError: ErrorMessage.invalidWorkspaceID))
    }

    /// - Throws: `APIError` 404 for a workspace that is unknown or removed.
    package func existing(_ id: UUID) async throws -> UUID {
        guard try await !context.postgres.query(Self.exists, [id]).isEmpty else {
            throw APIError(.notFound, ErrorMessage.workspaceNotFound)
        }
        return id
    }
}
