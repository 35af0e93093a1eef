import Authentication
import Contracts
import HTTPCore
import HTTPServer

/// Sending a message, in the platform's own form.
package struct MessageRoutes: Sendable {
    let authenticator: Authenticator
    let sends: IdempotentSends

    package func add(to table: inout Router) {
        // Bodies are read after the checks, as the contract orders them; small ones are there by then anyway.
        table.on(.post, "/workspaces/{id}/a2a", options: RouteOptions(isAudited: false)) { try await send($0) }
    }

    private func send(_ request: Request) async throws -> Response {
        let caller = try await authenticator.caller(request)
        let id = try request.uuid("id", orError: Sentence.invalidWorkspaceID)
        do {
            return try await sends.send(request, from: caller, to: id)
        } catch let error as APIError {
            // An agent that is busy or gone is an answer like any other here, no failure of ours to be logged.
            return error.response
        }
    }
}
