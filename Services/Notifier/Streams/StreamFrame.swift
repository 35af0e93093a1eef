import Contracts
import Foundation
import JSONBytes

/// One event as viewers get it: encoded once, however many there are.
struct StreamFrame: Sendable {
    /// Where a durable event stands in the log.
    let position: LogPosition?
    let event: EventBytes

    /// - Returns: `nil` for events that are not shown to clients.
    init?(_ event: CloudEvent, at position: LogPosition? = nil, in memory: StreamMemory) {
        guard let bytes = Self.encode(event) else { return nil }
        self.position = position
        self.event = EventBytes(bytes, in: memory)
    }

    /// The bytes of a server-sent event; `nil` for events that are not shown to clients.
    static func encode(_ event: CloudEvent) -> [UInt8]? {
        guard let name = event.kind?.clientName else { return nil }
        var json = JSONWriter(reservingCapacity: event.data.bytes.count + 128)
        json.object { json in
            json.member("type", name)
            json.member("timestamp", Int(event.time.timeIntervalSince1970 * 1000))
            json.member("workspace_id", orNull: event.subject?.lowercased)
            json.member("data", raw: event.data.bytes)
        }
        return frame(json.bytes, id: event.sequence)
    }

    /// Tells a viewer how many events it was too slow for.
    static func lagged(_ dropped: Int) -> [UInt8] {
        notice(StreamNotice.lagged, id: nil) { $0.member("dropped", dropped) }
    }

    /// Tells a viewer that it may have missed something.
    ///
    /// - Parameter position: the event behind which the stream goes on; the client resumes from it the next time.
    static func reset(_ reason: String, position: Int64, oldest: Int64?) -> [UInt8] {
        notice(StreamNotice.reset, id: position) { data in
            data.member("reason", reason)
            data.member("oldest", orNull: oldest.map { Int($0) })
        }
    }

    private static func notice(_ type: String, id: Int64?, data: (inout JSONWriter) -> Void) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("type", type)
            json.member("timestamp", Int(Date().timeIntervalSince1970 * 1000))
            json.key("data")
            json.object(data)
        }
        return frame(json.bytes, id: id)
    }

    /// A server-sent event. What the JSON holds must not end its line.
    private static func frame(_ json: [UInt8], id: Int64?) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(json.count + 32)
        if let id { bytes.append(contentsOf: "id: \(id)\n".utf8) }
        bytes.append(contentsOf: "data: ".utf8)
        bytes.append(contentsOf: json.onOneLine)
        bytes.append(contentsOf: "\n\n".utf8)
        return bytes
    }
}

/// What a viewer asked to see.
struct StreamFilter: Sendable {
    var workspace: UUID?
    /// Empty for all.
    var types: Set<EventType> = []

    func admits(_ type: EventType, of workspace: UUID?) -> Bool {
        if let wanted = self.workspace, wanted != workspace { return false }
        return types.isEmpty || types.contains(type)
    }

    func admits(_ event: CloudEvent) -> Bool {
        event.kind.map { admits($0, of: event.subject) } ?? false
    }
}
