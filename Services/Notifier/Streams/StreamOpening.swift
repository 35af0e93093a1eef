import Authentication
import Contracts
import Foundation
import PlatformInternals
import ServiceHost
import UVHTTPServer

/// Opens a stream of an authenticated client: takes a slot of the caller's quota, and resolves the start position.
struct StreamOpening: Sendable {
    let slots: CallerQuota
    let streams: OpenStreams
    let replay: StreamReplay
    let authenticator: Authenticator

    /// - Throws: `APIError` 429 or 503 when there are too many streams, of the caller or at all.
    func open(_ request: Request, _ filter: StreamFilter) async throws -> StreamSession {
        let slot: Reservation
        do {
            slot = try slots.take(1, for: request.caller)
        } catch {
            throw error.apiError(ErrorMessage.tooManyStreams)
        }
        return StreamSession(
            request, filter, from: try await replay.start(ResumeRequest(request)), slot: slot, streams: streams,
            replay: replay, authenticator: authenticator)
    }
}

extension StreamFilter {
    /// Reads `?types=`, by client name or routing key, and `?workspace_id=`.
    init(query request: Request) throws(APIError) {
        types = try Self.types(named: (request.query("types") ?? "").split(separator: ",").map(String.init))
        guard let text = request.query("workspace_id"), !text.isEmpty else { return }
        guard let id = UUID(canonical: text) else {
            throw APIError.invalidBody(field: "workspace_id", reason: "must be a UUID")
        }
        workspace = id
    }

    /// - Parameter names: client names or routing keys.
    /// - Throws: `APIError` 400 for an unknown one.
    static func types(named names: [String]) throws(APIError) -> Set<EventType> {
        var types: Set<EventType> = []
        for name in names {
            guard let type = EventType(clientName: name) ?? EventType(rawValue: name) else {
                throw .invalidBody(field: "types", reason: "names no event: \(name.prefix(100))")
            }
            types.insert(type)
        }
        return types
    }
}
