import Contracts
import Foundation
import JSONBytes

/// The encoding of a viewer's events.
enum StreamFormat: Sendable, CaseIterable {
    /// `id:` and `data: {"type", "timestamp", "workspace_id", "data"}`.
    case serverSentEvents
    /// Text frames of `{"event", "workspace_id", "timestamp", "payload", "id"}`.
    case webSocket

    /// An event's text; nil for events that are not shown to clients.
    func text(of event: CloudEvent) -> [UInt8]? {
        guard let name = event.kind?.clientName else { return nil }
        return text(
            name, at: event.time, workspace: event.subject, id: event.sequence, reserving: event.data.bytes.count
        ) { json, key in json.member(key, raw: event.data.bytes) }
    }

    /// A notice of the number of events dropped for a slow viewer.
    func lagged(_ dropped: Int) -> [UInt8] {
        notice(StreamNotice.lagged, id: nil) { $0.member("dropped", dropped) }
    }

    /// A notice that the viewer may have missed events.
    ///
    /// - Parameter position: the event after which the stream continues; the client resumes from it the next time.
    func reset(_ reason: String, position: Int64, oldest: Int64?) -> [UInt8] {
        notice(StreamNotice.reset, id: position) { data in
            data.member("reason", reason)
            data.member("oldest", orNull: oldest.map { Int($0) })
        }
    }

    private func notice(_ type: String, id: Int64?, data: (inout JSONWriter) -> Void) -> [UInt8] {
        text(type, at: Date(), workspace: nil, id: id, reserving: 64) { json, key in
            json.key(key)
            json.object(data)
        }
    }

    private func text(
        _ type: String, at time: Date, workspace: UUID?, id: Int64?, reserving count: Int,
        data: (inout JSONWriter, _ key: String) -> Void
    ) -> [UInt8] {
        var json = JSONWriter(reservingCapacity: count + 128)
        json.object { json in
            switch self {
            case .serverSentEvents:
                json.member("type", type)
                json.member("timestamp", Int(time.timeIntervalSince1970 * 1000))
                json.member("workspace_id", orNull: workspace?.lowercased)
                data(&json, "data")
            case .webSocket:
                json.member("event", type)
                // Never null, as existing agents expect.
                json.member("workspace_id", workspace?.lowercased ?? "")
                json.member("timestamp", RFC3339.format(time))
                data(&json, "payload")
                if let id { json.member("id", Int(id)) }
            }
        }
        return self == .webSocket ? json.bytes : Self.serverSentEvent(json.bytes, id: id)
    }

    /// A server-sent event, whose JSON must be on one line.
    private static func serverSentEvent(_ json: [UInt8], id: Int64?) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(json.count + 32)
        if let id { bytes.append(contentsOf: "id: \(id)\n".utf8) }
        bytes.append(contentsOf: "data: ".utf8)
        bytes.append(contentsOf: json.onOneLine)
        bytes.append(contentsOf: "\n\n".utf8)
        return bytes
    }
}
