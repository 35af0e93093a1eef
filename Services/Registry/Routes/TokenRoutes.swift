import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import Postgres
import ServiceHost
import UVHTTPServer

/// `/workspaces/{id}/tokens`, and the route that issues tokens for tests.
struct TokenRoutes: Sendable {
    let context: ServiceContext
    let store: WorkspaceTokenStore
    /// In development, or with `MOLECULE_ENABLE_TEST_TOKENS=1`.
    let hasTestTokens: Bool

    func add(to router: inout Router) {
        router.on(.get, "/workspaces/{id}/tokens", list)
        router.on(.post, "/workspaces/{id}/tokens", issue)
        router.on(.delete, "/workspaces/{id}/tokens/{tokenId}", revoke)
        // Despite its method it is not read-only: each request issues a token.
        let isIssuing = RouteOptions(isReading: false)
        if hasTestTokens { router.on(.get, "/admin/workspaces/{id}/test-token", options: isIssuing, testToken) }
    }

    private func workspace(_ request: Request) async throws -> UUID {
        try await WorkspaceAuthorization(context: context).owned(request)
    }

    private func list(_ request: Request) async throws -> Response {
        let id = try await workspace(request)
        let rows = try await store.list(id, try TokenPage(request))
        return try .json { writer in
            try writer.member(
                "tokens",
                array: { writer in
                    try rows.forEach { row in
                        writer.object { writer in
                            writer.member("id", row.string(0))
                            writer.member("prefix", row.string(1))
                            writer.member("created_at", RFC3339.format(row.date(2)))
                            writer.member("last_used_at", orNull: row.optionalDate(3).map { RFC3339.format($0) })
                        }
                    }
                })
            writer.member("count", rows.count)
        }
    }

    private func issue(_ request: Request) async throws -> Response {
        let id = try await workspace(request)
        return try await issued(id, .created)
    }

    private func testToken(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        return try await issued(try request.uuid("id", orError: ErrorMessage.invalidWorkspaceID), .ok)
    }

    private func issued(_ id: UUID, _ status: HTTPStatus) async throws -> Response {
        switch try await store.issue(id) {
        case .token(let secret):
            context.authenticator.noteIssued(to: id)
            return .json(status) { writer in
                writer.member("auth_token", secret)
                writer.member("workspace_id", id.lowercased)
                if status == .created { writer.member("message", "store this token now: it is shown only once") }
            }
        case .tooMany:
            throw APIError(.tooManyRequests, ErrorMessage.tooManyTokens, retryAfter: 60)
        case .noWorkspace:
            throw APIError(.notFound, ErrorMessage.workspaceNotFound)
        }
    }

    private func revoke(_ request: Request) async throws -> Response {
        let id = try await workspace(request)
        let token = try request.uuid("tokenId", orError: ErrorMessage.invalidTokenID)
        guard let event = try await store.revoke(token, of: id) else {
            throw APIError(.notFound, ErrorMessage.tokenNotFound)
        }
        context.authenticator.invalidateTokens(of: id)
        context.relay.committed([event])
        return .json { $0.member("status", "revoked") }
    }
}
