import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import Postgres
import ServiceHost
import URLSafety
import UVHTTPServer

/// `/registry/register`, `/registry/heartbeat`, `/registry/update-card`: an agent's reports about itself.
struct RegistrationRoutes: Sendable {
    let context: ServiceContext
    let store: RegistrationStore
    let ingest: HeartbeatIngest
    let addresses: RegistrationAddressCheck

    func add(to router: inout Router) {
        router.on(.post, "/registry/register", register)
        router.on(
            .post, "/registry/heartbeat", options: RouteOptions(rateLimit: .heartbeat, isAudited: false), heartbeat)
        router.on(.post, "/registry/update-card", updateCard)
    }

    private func register(_ request: Request) async throws -> Response {
        let object = try request.jsonObject(try await request.jsonBytes())
        let id = try object.workspaceID("id")
        // Before the host name is resolved and the card parsed: unauthorized requests cause no work.
        let registrant = try await context.authenticator.registrant(id, request)
        let body = try request.decode(RegisterRequest.self, from: object)
        try Self.check(card: body.agentCard)
        try await addresses.check(body.url)
        let registration = try await register(body, registrant, request)
        context.authenticator.noteIssued(to: body.id)
        if let event = registration.event { context.relay.committed([event]) }
        return try .wire(.ok, RegisterResponse(authToken: registration.token))
    }

    private func register(
        _ body: RegisterRequest, _ registrant: Registrant, _ request: Request
    ) async throws -> Registration {
        do {
            return try await store.register(
                body.id, url: body.url, card: body.agentCard.bytes, by: registrant,
                traceparent: request.context.traceparent)
        } catch let error as PostgresError where error.kind == .server {
            throw APIError(.internalServerError, ErrorMessage.registrationFailed, detail: "\(error)")
        }
    }

    private static func check(card: RawJSON) throws(APIError) {
        if !card.isObject { throw .invalidBody(field: "agent_card", reason: "must be an object") }
        try APIError.check("agent_card", bytes: card.bytes.count, upTo: Limits.agentCard)
    }

    private static let accepted = Array(#"{"status":"ok"}"#.utf8)

    private func heartbeat(_ request: Request) async throws -> Response {
        let object = try request.jsonObject(try await request.jsonBytes())
        let id = try object.workspaceID("workspace_id")
        try await context.authenticator.registry(id, request, recordsLiveness: false)
        switch try await ingest.accept(try Heartbeat(of: id, object)).verdict {
        case .accepted: return .json(bytes: Self.accepted)
        case .unknown: throw APIError(.notFound, ErrorMessage.workspaceNotFound)
        case .locked: throw APIError.platformUnavailable
        case .removed: throw APIError.workspaceRemoved
        }
    }

    private func updateCard(_ request: Request) async throws -> Response {
        let object = try request.jsonObject(try await request.jsonBytes())
        let id = try object.workspaceID("workspace_id")
        try await context.authenticator.registry(id, request)
        let body = try request.decode(UpdateCardRequest.self, from: object)
        try Self.check(card: body.agentCard)
        let event = try await store.replaceCard(
            id, card: body.agentCard.bytes, traceparent: request.context.traceparent)
        guard let event else { throw APIError(.notFound, ErrorMessage.workspaceNotFound) }
        context.relay.committed([event])
        return .json { $0.member("status", "updated") }
    }
}
