import Contracts
import EventOutbox
import Foundation
import HTTPCore
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// `/workspaces/{id}/budget`: a workspace's monthly budget and spend.
struct BudgetRoutes: Sendable {
    let context: ServiceContext
    let store: BudgetStore

    func add(to router: inout Router) {
        router.on(.get, "/workspaces/{id}/budget", get)
        router.on(.patch, "/workspaces/{id}/budget", set)
    }

    private func get(_ request: Request) async throws -> Response {
        let id = try await WorkspaceAuthorization(context: context).authorized(request)
        guard let budget = try await store.get(id) else { throw APIError(.notFound, ErrorMessage.workspaceNotFound) }
        return try .wire(.ok, budget)
    }

    private func set(_ request: Request) async throws -> Response {
        let id = try await WorkspaceAuthorization(context: context).administered(request)
        let limit = try Self.limit(try await request.decode(UpdateBudgetRequest.self).budgetLimit)
        guard let set = try await store.set(id, limit: limit, traceparent: request.context.traceparent) else {
            throw APIError(.notFound, ErrorMessage.workspaceNotFound)
        }
        if let event = set.event { context.relay.committed([event]) }
        return try .wire(.ok, set.budget)
    }

    /// - Returns: cents; `nil` for no limit.
    static func limit(_ change: Change<Int64>) throws(APIError) -> Int64? {
        switch change {
        case .unchanged: throw .invalidBody(field: "budget_limit", reason: "is required; null removes it")
        case .clear: return nil
        case .set(let limit) where limit < 0: throw .invalidBody(field: "budget_limit", reason: "must not be negative")
        case .set(let limit): return limit
        }
    }
}
