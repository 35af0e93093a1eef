import Authentication
import Contracts
import Crypto
import Foundation
import HTTPCore
import HTTPServer
import ServiceHost

/// `/streams/tickets`: what lets a page open a stream that can set no header, an `EventSource` or a browser's
/// `WebSocket`. A ticket is good for one connection within a minute, and shows what its maker asked for and may see.
struct StreamTickets: Sendable {
    /// Bytes: the names of all events are less.
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
        let ticket = KeptTicket(origin: authenticator.origin(of: request, ticket: secret), filter: filter)
        guard let expiresAt = try await store.add(ticket, hash: sha256(secret)) else {
            throw APIError(.tooManyRequests, Sentence.tooManyTickets, retryAfter: 5)
        }
        var response = try Response.wire(.ok, StreamTicket(ticket: secret, expiresAt: expiresAt))
        response.headers.add("Cache-Control", "no-store")
        return response
    }

    /// A cookie is none: pages that have one need no ticket. Whoever shows none is not told what is wrong with the question.
    private func requireBearer(_ request: Request) async throws {
        let isMissing = request.bearerToken == nil
        if try await context.authenticator.viewer(request) != nil, !isMissing || request.sessionCookie == nil { return }
        throw APIError(.unauthorized, isMissing ? Sentence.missingWorkspaceToken : Sentence.invalidWorkspaceToken)
    }

    /// Lets a stream's request in that shows a ticket, whatever else it shows.
    ///
    /// - Returns: what the ticket shows; nil when the request has none.
    /// - Throws: `APIError` 401, or 503.
    func redeem(_ request: Request) async throws -> StreamFilter? {
        guard let secret = request.query("ticket") else { return nil }
        guard let ticket = try await store.take(hash: sha256(secret)) else { throw Authenticator.invalidTicket }
        try await context.authenticator.letIn(ticket.origin, ticket: secret, request)
        return ticket.filter
    }
}

extension StreamFilter {
    /// What both show. A stream that was to show more than its ticket does is refused: it would look like one where
    /// nothing happens.
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

    private static let beyondTicket = APIError(.forbidden, Sentence.ticketForOthers)
}
