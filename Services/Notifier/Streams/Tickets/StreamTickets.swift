import Authentication
import Contracts
import Crypto
import Foundation
import HTTPCore
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// `/streams/tickets`: credentials for streams of pages, since `EventSource` and a browser's `WebSocket` can set no
/// header. A ticket is valid for one connection within a minute, with the filter that its creator requested.
struct StreamTickets: Sendable {
    /// In bytes; the names of all events are shorter.
    private static let bodyLimit = 16 << 10

    let context: ServiceContext
    let store: TicketStore

    func add(to router: inout Router) {
        let options = RouteOptions(maxBodyBytes: Self.bodyLimit, isReading: true, isAudited: false)
        router.on(.post, "/streams/tickets", options: options, issue)
    }

    private func issue(_ request: Request) async throws -> Response {
        let authenticator = context.authenticator
        try await requireBearer(request)
        let body = try await request.decode(StreamTicketRequest.self)
        var filter = StreamFilter()
        filter.types = try StreamFilter.types(named: body.types ?? [])
        filter.workspace = body.workspaceID
        if let workspace = body.workspaceID {
            try await authenticator.workspace(workspace, request)
        } else {
            try await authenticator.admin(request)
        }
        let secret = makeToken()
        let ticket = StoredTicket(origin: authenticator.origin(of: request, ticket: secret), filter: filter)
        guard let expiresAt = try await store.add(ticket, hash: sha256(secret)) else {
            throw APIError(.tooManyRequests, ErrorMessage.tooManyTickets, retryAfter: 5)
        }
        var response = try Response.wire(.ok, StreamTicket(ticket: secret, expiresAt: expiresAt))
        response.headers.add("Cache-Control", "no-store")
        return response
    }

    /// A cookie does not count: pages that have one need no ticket. Checked before the body, so that an unauthenticated
    /// client learns nothing about it.
    private func requireBearer(_ request: Request) async throws {
        let isMissing = request.bearerToken == nil
        if try await context.authenticator.viewer(request) != nil, !isMissing || request.sessionCookie == nil { return }
        throw APIError(
            .unauthorized, isMissing ? ErrorMessage.missingWorkspaceToken : ErrorMessage.invalidWorkspaceToken)
    }

    /// Admits a stream's request by its ticket, whatever other credentials it has.
    ///
    /// - Returns: the ticket's filter; nil when the request has no ticket.
    /// - Throws: `APIError` 401, or 503.
    func redeem(_ request: Request) async throws -> StreamFilter? {
        guard let secret = request.query("ticket") else { return nil }
        guard let ticket = try await store.take(hash: sha256(secret)) else { throw Authenticator.invalidTicket }
        try await context.authenticator.admit(ticket.origin, ticket: secret, request)
        return ticket.filter
    }
}

extension StreamFilter {
    /// The intersection with a ticket's filter. A wider filter is refused: the stream would look as if no events
    /// happened.
    ///
    /// - Throws: `APIError` 403.
    func within(_ ticket: StreamFilter) throws(APIError) -> StreamFilter {
        var filter = self
        if let allowed = ticket.workspace {
            guard workspace == nil || workspace == allowed else { throw Self.beyondTicket }
            filter.workspace = allowed
        }
        if !ticket.types.isEmpty {
            guard types.isSubset(of: ticket.types) else { throw Self.beyondTicket }
            if types.isEmpty { filter.types = ticket.types }
        }
        return filter
    }

    private static let beyondTicket = APIError(.forbidden, ErrorMessage.ticketForOthers)
}
