import Authentication
import Contracts
import Foundation
import HTTPServer
import ServiceHost

/// Lets a client in whose credential is good: a place of its caller's quota, and where its stream begins.
struct StreamOpening: Sendable {
    let places: CallerQuota
    let streams: OpenStreams
    let replay: StreamReplay
    let authenticator: Authenticator

    /// - Throws: `APIError` 429 or 503 when there are too many streams, of the caller or at all.
    func open(_ request: Request, _ filter: StreamFilter, as format: StreamFormat) async throws -> StreamSession {
        let place: Reservation
        do {
            place = try places.take(1, for: request.caller)
        } catch {
            throw error.apiError(Sentence.tooManyStreams)
        }
        return StreamSession(
            viewer: Viewer(filter: filter, format: format), start: try await replay.start(ResumeRequest(request)),
            request: request, place: place, streams: streams, replay: replay, authenticator: authenticator)
    }
}

extension StreamFilter {
    /// Reads `?types=`, by client name or routing key, and `?workspace_id=`.
    init(query request: Request) throws(APIError) {
        for name in (request.query("types") ?? "").split(separator: ",") {
            guard let type = EventType(clientName: String(name)) ?? EventType(rawValue: String(name)) else {
                throw .invalidBody(field: "types", reason: "names no event: \(name)")
            }
            types.insert(type)
        }
        guard let text = request.query("workspace_id"), !text.isEmpty else { return }
        guard let id = UUID(canonical: text) else {
            throw APIError.invalidBody(field: "workspace_id", reason: "must be a UUID")
        }
        workspace = id
    }
}
