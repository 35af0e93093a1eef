import Authentication
import Contracts
import EventLoop
import Foundation
import HTTPCore
import HTTPServer
import JSONBytes
import PostgresClient
import ServiceHost

/// `/events`, `/events/stream` and `/workspaces/{id}/events/stream`.
struct StreamRoutes: Sendable {
    /// A comment this often keeps proxies from closing an idle stream.
    private static let keepAlive: Duration = .seconds(15)
    private static let ping = Array(": ping\n\n".utf8)

    let context: ServiceContext
    let replay: StreamReplay
    let hub: EventHub
    let streams: CallerQuota
    let memory: ResponseMemory

    private var log: EventLog { replay.log }

    func add(to router: inout Router) {
        router.on(.get, "/events/stream", fleetStream)
        router.on(.get, "/workspaces/{id}/events/stream", workspaceStream)
        router.on(.get, "/events") { request in
            try await context.authenticator.admin(request)
            return try await newest(nil, request)
        }
        router.on(.get, "/events/{workspaceId}") { request in
            try await context.authenticator.admin(request)
            return try await newest(try request.uuid("workspaceId", orError: Sentence.invalidWorkspaceID), request)
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
        let id = try await context.authenticator.workspace(inPathOf: request)
        return try await stream(request, StreamFilter(workspace: id, types: try types(request)))
    }

    private func fleetStream(_ request: Request) async throws -> Response {
        try await context.authenticator.admin(request)
        var filter = StreamFilter(types: try types(request))
        if let text = request.query("workspace_id"), !text.isEmpty {
            guard let id = UUID(canonical: text) else {
                throw APIError.invalidBody(field: "workspace_id", reason: "must be a UUID")
            }
            filter.workspace = id
        }
        return try await stream(request, filter)
    }

    /// The types asked for, by client name or routing key.
    private func types(_ request: Request) throws(APIError) -> Set<EventType> {
        var types: Set<EventType> = []
        for name in (request.query("types") ?? "").split(separator: ",") {
            guard let type = EventType(clientName: String(name)) ?? EventType(rawValue: String(name)) else {
                throw .invalidBody(field: "types", reason: "names no event: \(name)")
            }
            types.insert(type)
        }
        return types
    }

    private func stream(_ request: Request, _ filter: StreamFilter) async throws -> Response {
        let place: Reservation
        do {
            place = try streams.take(1, for: request.caller)
        } catch {
            throw error.apiError(Sentence.tooManyStreams)
        }
        let start = try await replay.start(ResumeRequest(request))
        let viewer = Viewer(filter: filter)
        var response = Response.stream(contentType: "text/event-stream") { writer in
            defer {
                hub.detach(viewer)
                withExtendedLifetime(place) {}
            }
            var token = TokenCheck(request, context.authenticator)
            try await writer.write(Self.ping)
            guard try await replay.attach(viewer, from: start, request, writer, &token) else { return }
            try await show(viewer, request, writer, &token)
        }
        response.headers.add("Cache-Control", "no-store")
        response.headers.add("X-Accel-Buffering", "no")
        return response
    }

    /// Sends what comes until the stream is ended or its token is.
    private func show(
        _ viewer: Viewer, _ request: Request, _ writer: ResponseWriter, _ token: inout TokenCheck
    ) async throws {
        while await token.isStillValid() {
            switch await viewer.next(on: request.loop, within: Self.keepAlive) {
            case .event(let event): try await event.write(to: writer)
            case .events(let events): try await writer.write(events.flatMap(\.bytes))
            case .lagged(let dropped): try await writer.write(StreamFrame.lagged(dropped))
            case .idle: try await writer.write(Self.ping)
            case .over: return
            }
        }
    }
}
