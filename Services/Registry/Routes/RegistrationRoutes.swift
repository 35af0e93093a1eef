import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import HTTPServer
import JSONBytes
import PostgresClient
import SafeURL
import ServiceHost

/// `/registry/register`, `/registry/heartbeat`, `/registry/update-card`: what an agent says of itself.
struct RegistrationRoutes: Sendable {
    let context: ServiceContext
    let store: RegistrationStore
    let ingest: HeartbeatIngest
    let addresses: RegistrationAddressCheck

    func add(to router: inout Router) {
        router.on(.post, "/registry/register", register)
        router.on(
            .post, "/registry/heartbeat", options: RouteOptions(rateLimit: .heartbeat), heartbeat)
        router.on(.post, "/registry/update-card", updateCard)
    }

    private func register(_ request: Request) async throws -> Response {
        let bytes = try await request.jsonBytes()
        let body = try request.decode(RegisterRequest.self, from: bytes)
        let registrant = try await context.authenticator.registrant(body.id, request)
        try Self.check(card: body.agentCard)
        try await addresses.check(body.url)
        let registration = try await register(body, card: Self.card(bytes), registrant, request)
        context.authenticator.noteIssued(to: body.id)
        if let event = registration.event { context.relay.committed([event]) }
        return try .wire(.ok, RegisterAnswer(authToken: registration.token))
    }

    private func register(
        _ body: RegisterRequest, card: [UInt8], _ registrant: Registrant, _ request: Request
    ) async throws -> Registration {
        do {
            return try await store.register(
                body.id, url: body.url, card: card, by: registrant, traceparent: request.context.traceparent)
        } catch let error as PostgresError where error.kind == .server {
            throw APIError(.internalServerError, Sentence.registrationFailed, detail: "\(error)")
        }
    }

    private static func check(card: RawJSON) throws(APIError) {
        if !card.isObject { throw .invalidBody(field: "agent_card", reason: "must be an object") }
    }

    /// The card exactly as it was sent, so that an agent that says the same again is seen to.
    private static func card(_ body: [UInt8]) -> [UInt8] {
        (try? JSONObject(validating: body))?.raw("agent_card").map { Array($0) } ?? Array("null".utf8)
    }

    private static let accepted = Array(#"{"status":"ok"}"#.utf8)

    private func heartbeat(_ request: Request) async throws -> Response {
        let beat = try Heartbeat(body: try await request.jsonBytes())
        try await context.authenticator.registry(beat.workspace, request, recordsLife: false)
        switch try await ingest.accept(beat).verdict {
        case .accepted: return .json(bytes: Self.accepted)
        case .unknown: throw APIError(.notFound, Sentence.workspaceNotFound)
        case .held: throw APIError.platformUnavailable
        case .removed: throw APIError.workspaceRemoved
        }
    }

    private func updateCard(_ request: Request) async throws -> Response {
        let bytes = try await request.jsonBytes()
        let body = try request.decode(UpdateCardRequest.self, from: bytes)
        try await context.authenticator.registry(body.workspaceID, request)
        try Self.check(card: body.agentCard)
        let event = try await store.replaceCard(
            body.workspaceID, card: Self.card(bytes), traceparent: request.context.traceparent)
        guard let event else { throw APIError(.notFound, Sentence.workspaceNotFound) }
        context.relay.committed([event])
        return .json { $0.member("status", "updated") }
    }
}
