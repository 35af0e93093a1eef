import Authentication
import Contracts
import Foundation
import HTTPCore
import HTTPServer

/// Sending a message, in the platform's own form and as a standard A2A endpoint.
package struct MessageRoutes: Sendable {
    let authenticator: Authenticator
    let forwarder: Forwarder
    let idempotency: IdempotentSends
    let store: TargetStore
    /// Where clients reach the platform; nil to take what each client used.
    let platformURL: String?

    package func add(to table: inout Router) {
        // Bodies are read after the checks, as the contract orders them; small ones are there by then anyway.
        table.on(.post, "/workspaces/{id}/a2a") { try await send($0) }
        table.on(.post, "/agents/{id}") { try await send($0) }
        table.on(.get, "/agents/{id}/.well-known/agent-card.json") { try await card($0) }
    }

    private func send(_ request: Request) async throws -> Response {
        let caller = try await authenticator.caller(request)
        let id = try request.uuid("id", orError: Sentence.invalidWorkspaceID)
        do {
            guard let key = request.headers["idempotency-key"], !key.isEmpty else {
                return try await forwarder.forward(request, from: caller, to: id)
            }
            return try await idempotency.send(request, from: caller, to: id, key: key)
        } catch let error as APIError {
            // An agent that is busy or gone is an answer like any other here, no failure of ours to be logged.
            return error.response
        }
    }

    /// The agent's card with the address at which the platform takes messages for it.
    private func card(_ request: Request) async throws -> Response {
        let id = try request.uuid("id", orError: Sentence.invalidWorkspaceID)
        guard let found = try await store.card(of: id) else { throw APIError(.notFound, Sentence.workspaceNotFound) }
        guard let card = found,
            let bytes = PublishedCard.make(from: card, at: "\(base(request))/agents/\(id.lowercased)")
        else { throw APIError(.notFound, "workspace has no agent card") }
        return .json(bytes: bytes)
    }

    private func base(_ request: Request) -> String {
        if let platformURL { return platformURL }
        return "\(request.context.isSecure ? "https" : "http")://\(request.headers["host"] ?? "localhost")"
    }
}
