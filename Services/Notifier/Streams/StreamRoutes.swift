import Authentication
import Contracts
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import Postgres
import ServiceHost
import UVHTTPServer
import UVLoop

/// `/events`, `/events/stream` and `/workspaces/{id}/events/stream`.
struct StreamRoutes: Sendable {
    let context: ServiceContext
    let opening: StreamOpening
    let tickets: StreamTickets
    let memory: ResponseMemory

    private var log: EventLog { opening.replay.log }

    func add(to router: inout Router) {
        router.on(.get, "/events/stream", fleetStream)
        router.on(.get, "/workspaces/{id}/events/stream", workspaceStream)
        router.on(.get, "/events") { request in
            try await context.authenticator.admin(request)
            return try await newest(nil, request)
        }
        router.on(.get, "/events/{workspaceId}") { request in
            try await context.authenticator.admin(request)
            return try await newest(try request.uuid("workspaceId", orError: ErrorMessage.invalidWorkspaceID), request)
        }
    }

    private func newest(_ workspace: UUID?, _ request: Request) async throws -> Response {
        let reservation = try await memory.reserve(EventLog.newestBytes, for: request)
        let rows = try await log.newest(workspace: workspace)
        var writer = JSONWriter(reservingCapacity: 2 + rows.count * 256)
        try writer.array { writer in
            try rows.forEach { row in
                writer.object { writer in
                    writer.member("id", row.string(0))
                    let type = EventType(rawValue: row.string(1))
                    writer.member("event_type", type?.clientName ?? row.string(1))
                    writer.member("workspace_id", orNull: row.optionalString(2))
                    writer.member("payload", raw: row.bytes(3))
                    writer.member("created_at", RFC3339.format(row.date(4)))
                }
            }
        }
        reservation.resize(to: writer.bytes.count)
        var response = Response.json(bytes: writer.bytes)
        response.retained = reservation
        return response
    }

    private func workspaceStream(_ request: Request) async throws -> Response {
        let ticket = try await tickets.redeem(request)
        let id =
            if ticket == nil {
                try await context.authenticator.workspace(inPathOf: request)
            } else {
                try request.uuid("id", orError: ErrorMessage.invalidWorkspaceID)
            }
        var filter = try StreamFilter(query: request)
        filter.workspace = id
        return try await stream(request, try filter.within(ticket ?? StreamFilter()))
    }

    private func fleetStream(_ request: Request) async throws -> Response {
        let ticket = try await tickets.redeem(request)
        if ticket == nil { try await context.authenticator.admin(request) }
        return try await stream(request, try StreamFilter(query: request).within(ticket ?? StreamFilter()))
    }

    private func stream(_ request: Request, _ filter: StreamFilter) async throws -> Response {
        let session = try await opening.open(request, filter)
        return Response(
            .ok,
            headers: HTTPHeaders([
                ("Content-Type", "text/event-stream"), ("Cache-Control", "no-store"), ("X-Accel-Buffering", "no"),
            ]),
            body: .detached { writer in
                session.begin(ServerSentEventWriter(writer: writer)) { writer.abort() }
            })
    }
}
