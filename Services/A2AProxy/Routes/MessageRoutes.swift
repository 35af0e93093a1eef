import Authentication
import Contracts
import HTTPCore
import PlatformInternals
import UVHTTPServer

/// `POST /workspaces/{id}/a2a`: sends a message, in the platform's own format.
package struct MessageRoutes: Sendable {
    let authenticator: Authenticator
    let sends: IdempotentSends

    package func add(to table: inout Router) {
        // Bodies are read after the checks, in the contract's order; small ones have arrived by then anyway.
        table.on(.post, "/workspaces/{id}/a2a", options: RouteOptions(isAudited: false)) { try await send($0) }
    }

    private func send(_ request: Request) async throws -> Response {
        let caller = try await authenticator.caller(request)
        let id = try request.uuid("id", orError: ErrorMessage.invalidWorkspaceID)
        do {
            return try await sends.send(request, from: caller, to: id)
        } catch let error as APIError {
            // A busy or missing agent is an ordinary response here, not a failure of the proxy to be logged.
            return error.response
        }
    }
}
