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
    /// A stream ends this long after its token does, at the most as much later as its client is idle.
    private static let recheck: Duration = .seconds(5)
    private static let ping = Array(": ping\n\n".utf8)

    let context: ServiceContext
    let log: EventLog
    let hub: EventHub

    func add(to router: inout Router) {
        router.on(.get, "/events/stream", fleetStream)
        router.on(.get, "/workspaces/{id}/events/stream", workspaceStream)
        router.on(.get, "/events") { request in
            try await context.authenticator.admin(request)
            return try await newest(nil)
        }
        router.on(.get, "/events/{workspaceId}") { request in
            try await context.authenticator.admin(request)
            return try await newest(try request.uuid("workspaceId", orError: Sentence.invalidWorkspaceID))
        }
    }

    private func newest(_ workspace: UUID?) async throws -> Response {
        let rows = try await log.newest(workspace: workspace)
        var writer = JSONWriter(reservingCapacity: 2 + rows.count * 256)
        writer.array { writer in
            for row in rows {
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
        return .json(bytes: writer.bytes)
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
        let position = try await resumePosition(request)
        let viewer = Viewer(filter: filter)
        let loop = request.loop
        var response = Response.stream(contentType: "text/event-stream") { writer in
            defer { hub.detach(viewer) }
            try await writer.write(Self.ping)
            try await attach(viewer, from: position, writer)
            var checked = ContinuousClock.now
            while true {
                if ContinuousClock.now - checked > Self.recheck {
                    guard await context.authenticator.isStillValid(request) else { return }
                    checked = ContinuousClock.now
                }
                switch await viewer.next(on: loop, within: Self.keepAlive) {
                case .bytes(let bytes): try await writer.write(bytes)
                case .idle: try await writer.write(Self.ping)
                case .over: return
                }
            }
        }
        response.headers.add("Cache-Control", "no-store")
        response.headers.add("X-Accel-Buffering", "no")
        return response
    }

    /// Where the client left off: `Last-Event-ID`, or `?since=`; `nil` for what comes from now on.
    private func resumePosition(_ request: Request) async throws -> LogPosition? {
        guard let text = request.headers["last-event-id"] ?? request.query("since"), !text.isEmpty else { return nil }
        guard let sequence = Int64(text), sequence >= 0 else {
            throw APIError.invalidBody(field: "since", reason: "must be the id of an event")
        }
        if sequence == 0 { return .start }
        if let position = try await log.position(ofSequence: sequence) { return position }
        return nil
    }

    /// Replays what the client missed until it has caught up with the hub, then goes live.
    private func attach(_ viewer: Viewer, from start: LogPosition?, _ writer: ResponseWriter) async throws {
        guard var position = start else {
            while !hub.attachNow(viewer) { try await writer.loop.sleep(for: .milliseconds(50)) }
            return
        }
        while true {
            // Read before the log: what is readable then covers everything up to here.
            let hubPosition = hub.position
            let entries = try await log.read(after: position, workspace: viewer.filter.workspace)
            let frames = entries.compactMap { StreamFrame($0.event) }.filter(viewer.filter.admits)
            if !frames.isEmpty { try await writer.write(frames.flatMap(\.bytes)) }
            if let last = entries.last { position = last.position }
            guard entries.count < EventLog.page else { continue }
            if let hubPosition { position = max(position, hubPosition) }
            if hub.attach(viewer, at: position) { return }
            if hubPosition == nil { try await writer.loop.sleep(for: .milliseconds(50)) }
        }
    }
}
