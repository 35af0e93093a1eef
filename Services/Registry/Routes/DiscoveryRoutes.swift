import Authentication
import Contracts
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// `/registry/discover`, `/registry/{id}/peers`, `/registry/check-access`: peers' addresses and access checks.
struct DiscoveryRoutes: Sendable {
    let context: ServiceContext
    let store: PeerStore
    let addresses: RegistrationAddressCheck

    func add(to router: inout Router) {
        router.on(.get, "/registry/discover/{id}", discover)
        router.on(.get, "/registry/{id}/peers", peers)
        router.on(.post, "/registry/check-access", options: RouteOptions(isAudited: false), checkAccess)
    }

    private func discover(_ request: Request) async throws -> Response {
        guard let header = request.headers["x-workspace-id"], !header.isEmpty else {
            throw APIError(.badRequest, ErrorMessage.workspaceIDHeaderIsRequired)
        }
        guard let caller = UUID(canonical: header) else {
            throw APIError(
                .badRequest, ErrorMessage.invalidWorkspaceID, field: "X-Workspace-ID", reason: "must be a UUID")
        }
        try await context.authenticator.registry(caller, request)
        let id = try request.uuid("id", orError: ErrorMessage.invalidWorkspaceID)
        guard let from = try await store.present(caller), let target = try await store.present(id),
            from.position.canCommunicate(with: target.position)
        else { throw APIError(.forbidden, ErrorMessage.notAuthorizedToDiscover) }
        let recipient = try await forwarded(target)
        return try .wire(
            .ok,
            DiscoverResponse(
                id: recipient.id, url: try await address(of: recipient, for: from), name: recipient.name))
    }

    /// The workspace that receives the target's messages.
    private func forwarded(_ target: PeerRecord) async throws -> PeerRecord {
        var recipient = target
        for _ in 0..<Limits.forwardingHops {
            guard let next = recipient.forwardedTo, let found = try await store.find(next) else { break }
            recipient = found
        }
        return recipient
    }

    private func address(of target: PeerRecord, for caller: PeerRecord) async throws -> String {
        guard let address = DiscoveryRule.address(of: target, for: caller) else {
            throw APIError(
                .serviceUnavailable, ErrorMessage.workspaceNotAvailable,
                members: [("status", .string(target.status.rawValue))])
        }
        do {
            switch address.source {
            case .agent: try await addresses.check(address.url)
            case .provisioner: try await addresses.check(address.url, isProvisioned: true)
            case .containerName: break
            }
        } catch {
            throw APIError(.serviceUnavailable, ErrorMessage.workspaceURLUnsafe, detail: "\(error)")
        }
        return address.publishedURL
    }

    private func peers(_ request: Request) async throws -> Response {
        // The existing runtime sends this at boot with its id alone, before it has read its token.
        let text = request.parameters["id"] ?? ""
        guard let id = UUID(canonical: text) else {
            throw APIError(.badRequest, ErrorMessage.invalidWorkspaceID, field: "id", reason: "must be a UUID")
        }
        try await context.authenticator.registry(id, request)
        guard try await store.present(id) != nil else { throw APIError(.notFound, ErrorMessage.workspaceNotFound) }
        let filter = request.query("q")?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
        let (limit, cursor) = (try WorkspaceListQuery.limit(request), try PeerListQuery.cursor(request))
        let page = try await store.peers(
            of: id, matching: filter.isEmpty ? nil : filter, after: cursor, limit: limit ?? Limits.peerPage,
            isWhole: limit == nil && cursor == nil)
        var response = Response.json(bytes: page.json)
        if let next = page.next { response.headers.add("X-Next-Cursor", PeerListQuery.text(next)) }
        return response
    }

    private func checkAccess(_ request: Request) async throws -> Response {
        let body = try await request.decode(CheckAccessRequest.self)
        let caller = try await store.present(body.callerID)
        let target = try await store.present(body.targetID)
        let isAllowed = caller.flatMap { caller in target.map { caller.position.canCommunicate(with: $0.position) } }
        return try .wire(.ok, CheckAccessResponse(allowed: isAllowed ?? false))
    }
}
