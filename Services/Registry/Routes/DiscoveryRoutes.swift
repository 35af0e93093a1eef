import Authentication
import Contracts
import Foundation
import HTTPCore
import HTTPServer
import JSONBytes
import ServiceHost
import WorkspaceTree

/// `/registry/discover`, `/registry/{id}/peers`, `/registry/check-access`: who may talk to whom, and where.
struct DiscoveryRoutes: Sendable {
    let context: ServiceContext
    let store: PeerStore
    let addresses: RegistrationAddressCheck

    func add(to router: inout Router) {
        router.on(.get, "/registry/discover/{id}", discover)
        router.on(.get, "/registry/{id}/peers", peers)
        router.on(.post, "/registry/check-access", checkAccess)
    }

    private func discover(_ request: Request) async throws -> Response {
        guard let header = request.headers["x-workspace-id"], !header.isEmpty else {
            throw APIError(.badRequest, Sentence.workspaceIDHeaderIsRequired)
        }
        guard let caller = UUID(canonical: header) else {
            throw APIError(.badRequest, Sentence.invalidWorkspaceID, field: "X-Workspace-ID", reason: "must be a UUID")
        }
        try await context.authenticator.registry(caller, request)
        let id = try request.uuid("id", orError: Sentence.invalidWorkspaceID)
        guard let from = try await store.find(caller), var target = try await store.find(id),
            from.position.canCommunicate(with: target.position)
        else { throw APIError(.forbidden, Sentence.notAuthorizedToDiscover) }
        var found = id
        for _ in 0..<Limits.forwardingHops {
            guard let next = target.forwardedTo, let forwarded = try await store.find(next) else { break }
            (found, target) = (next, forwarded)
        }
        return try .wire(
            .ok, DiscoverAnswer(id: found, url: try await address(of: target, for: from), name: target.name))
    }

    private func address(of target: KnownPeer, for caller: KnownPeer) async throws -> String {
        guard let url = target.isExternal ? target.url : target.internalURL ?? target.url, isReachable(target.status)
        else {
            throw APIError(
                .serviceUnavailable, Sentence.workspaceNotAvailable,
                members: [("status", .string(target.status.rawValue))])
        }
        do {
            try await addresses.check(url, isProvisioned: target.isProvisioned)
        } catch {
            throw APIError(.serviceUnavailable, Sentence.workspaceURLUnsafe, detail: "\(error)")
        }
        // Callers in containers of ours reach the host by another name.
        return target.isExternal && caller.isProvisioned ? ContainerAddress.rewritten(url) : url
    }

    private func isReachable(_ status: WorkspaceStatus) -> Bool {
        status == .online || status == .degraded
    }

    private func peers(_ request: Request) async throws -> Response {
        // The existing runtime asks at boot with its id alone, before it has looked for its token.
        let text = request.parameters["id"] ?? ""
        guard let id = UUID(canonical: text) else {
            throw APIError(.badRequest, Sentence.invalidWorkspaceID, field: "id", reason: "must be a UUID")
        }
        try await context.authenticator.registry(id, request)
        let filter = request.query("q").flatMap { $0.trimmingCharacters(in: .whitespaces).isEmpty ? nil : $0 }
        return .json(bytes: try await store.peers(of: id, matching: filter))
    }

    private func checkAccess(_ request: Request) async throws -> Response {
        let body = try await request.decode(CheckAccessRequest.self)
        let caller = try await store.find(body.callerID)
        let target = try await store.find(body.targetID)
        let isAllowed = caller.flatMap { caller in target.map { caller.position.canCommunicate(with: $0.position) } }
        return try .wire(.ok, CheckAccessAnswer(allowed: isAllowed ?? false))
    }
}
