import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// `/console/session`: an operator's token is exchanged for a cookie, since a browser puts no bearer on an event
/// stream, a WebSocket or a download.
struct SessionRoutes: Sendable {
    private static let path = "/console/session"
    /// Bytes: a token is short.
    private static let bodyLimit = 16 << 10

    let context: ServiceContext
    let store: SessionStore
    let platformName: String

    func add(to router: inout Router) {
        router.on(.post, Self.path, options: RouteOptions(maxBodyBytes: Self.bodyLimit, isReading: true), signIn)
        router.on(.get, Self.path, show)
        // Viewers may sign in, so they may sign out.
        router.on(.delete, Self.path, options: RouteOptions(isReading: true, isAudited: true), signOut)
    }

    private func signIn(_ request: Request) async throws -> Response {
        let body = try await request.decode(SignInRequest.self)
        let session = try await context.authenticator.signIn(body.token, request)
        let (expiresAt, events) = try await store.add(session)
        invalidate(events)
        var response = try sessionResponse(session.holder, until: expiresAt)
        setCookie(session.token.secret, seconds: Limits.consoleSession.components.seconds, request, &response)
        return response
    }

    private func show(_ request: Request) async throws -> Response {
        let (holder, until) = try await context.authenticator.signedIn(request)
        return try sessionResponse(holder, until: until)
    }

    private func signOut(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        if let session = request.context.session,
            let event = try await store.end(session, traceparent: request.context.traceparent)
        {
            context.authenticator.invalidateTokens(of: session)
            context.relay.committed([event])
        }
        var response = Response(.noContent)
        setCookie("", seconds: 0, request, &response)
        return response
    }

    private func invalidate(_ events: [CommittedEvent]) {
        for event in events {
            guard let ended = (try? event.event.decodeData(as: TokenRevoked.self))?.tokenID else { continue }
            context.authenticator.invalidateTokens(of: ended)
        }
        context.relay.committed(events)
    }

    private func sessionResponse(_ holder: SignIn, until: Date?) throws -> Response {
        let actor: SessionActor =
            switch holder.identity {
            case .admin: .admin
            case .org: .org
            case .workspace, .anonymous: .open
            }
        var response = try Response.wire(
            .ok,
            ConsoleSession(
                role: holder.identity.role ?? .viewer, actor: actor, name: holder.name, tokenPrefix: holder.prefix,
                expiresAt: until, platformName: platformName))
        response.headers.add("Cache-Control", "no-store")
        return response
    }

    /// Sets the cookie, as `Secure` when the client uses TLS. When a proxy does not say so, the request's `Origin`,
    /// which has been checked, does.
    private func setCookie(_ value: String, seconds: Int64, _ request: Request, _ response: inout Response) {
        let field = SessionCookie.field(value, seconds: seconds, isSecure: request.cameOverTLS)
        response.headers.add("Set-Cookie", field)
        response.headers["Cache-Control"] = "no-store"
    }
}
