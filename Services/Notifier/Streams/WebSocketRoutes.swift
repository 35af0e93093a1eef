import Authentication
import Contracts
import Foundation
import HTTPCore
import PlatformInternals
import ServiceHost
import UVHTTPServer
import UVLoop
import WebSocket

/// `/ws`: events as messages of a WebSocket.
struct WebSocketRoutes: Sendable {
    let context: ServiceContext
    let opening: StreamOpening
    let tickets: StreamTickets

    func add(to router: inout Router) {
        router.on(.get, "/ws", connect)
    }

    private func connect(_ request: Request) async throws -> Response {
        let filter = try await filter(request)
        // Before a slot is taken and the log is read.
        let handshake = try WebSocketHandshake(request)
        let session = try await opening.open(request, filter)
        return handshake.makeResponse { stream, ahead in
            let connection = WebSocketConnection(stream)
            connection.start(ahead: ahead)
            let writer = WebSocketEventWriter(connection)
            session.begin(writer) { writer.abort() }
        }
    }

    /// An agent gets events of workspaces that it may talk to; an operator, or in development any client, the whole
    /// fleet's.
    private func filter(_ request: Request) async throws -> StreamFilter {
        if let ticket = try await tickets.redeem(request) { return try StreamFilter(query: request).within(ticket) }
        var filter = try StreamFilter(query: request)
        guard let header = request.headers["x-workspace-id"], !header.isEmpty else {
            try await context.authenticator.observer(request)
            // The same-origin policy does not cover WebSockets: any page may open one, and the cookie goes with it.
            try context.authenticator.checkOrigin(request)
            return filter
        }
        guard let agent = UUID(canonical: header) else {
            throw APIError(.badRequest, ErrorMessage.invalidCallerID, field: "X-Workspace-ID", reason: "must be a UUID")
        }
        try await context.authenticator.registry(agent, request)
        filter.agent = agent
        return filter
    }
}
