import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// `/org/tokens`: tokens of operators, which are accepted wherever `ADMIN_TOKEN` is, and of read-only viewers.
struct OrgTokenRoutes: Sendable {
    let context: ServiceContext
    let store: OrgTokenStore

    func add(to router: inout Router) {
        router.on(.get, "/org/tokens", list)
        router.on(.post, "/org/tokens", issue)
        router.on(.delete, "/org/tokens/{id}", revoke)
    }

    private func list(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        return try .wire(.ok, OrgTokenList(tokens: try await store.list(try TokenPage(request))))
    }

    private func issue(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let bytes = try await request.jsonBytes()
        let body = bytes.isEmpty ? CreateOrgTokenRequest() : try request.decode(CreateOrgTokenRequest.self, from: bytes)
        try Self.check("name", body.name)
        try Self.check("org_id", body.orgID)
        return try .wire(.created, try await store.issue(name: body.name, organization: body.orgID, role: body.role))
    }

    private static func check(_ field: String, _ value: String?) throws(APIError) {
        guard let value else { return }
        try APIError.check(field, value, upTo: Limits.operatorTokenName)
        if value.contains(where: \.isNewline) || value.utf8.contains(0) {
            throw .invalidBody(field: field, reason: "must be a single line")
        }
    }

    private func revoke(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        let id = try request.uuid("id", orError: ErrorMessage.invalidTokenID)
        guard let event = try await store.revoke(id, traceparent: request.context.traceparent) else {
            throw APIError(.notFound, ErrorMessage.tokenNotFound)
        }
        context.authenticator.invalidateTokens(of: id)
        context.relay.committed([event])
        return try .wire(.ok, StatusResponse(status: "revoked"))
    }
}
