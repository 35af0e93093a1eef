import Contracts
import Foundation
import JSONBytes

/// One event as viewers get it: encoded once, however many there are.
struct StreamFrame: Sendable {
    let type: EventType?
    let workspace: UUID?
    /// Where a durable event stands in the log.
    let position: LogPosition?
    /// The bytes of a server-sent event.
    let bytes: [UInt8]

    /// - Returns: `nil` for events that are not shown to clients.
    init?(_ event: CloudEvent, at position: LogPosition? = nil) {
        guard let type = event.kind, let name = type.clientName else { return nil }
        self.type = type
        self.position = position
        workspace = event.subject
        var bytes: [UInt8] = []
        bytes.reserveCapacity(event.data.bytes.count + 160)
        if let sequence = event.sequence { bytes.append(contentsOf: "id: \(sequence)\n".utf8) }
        bytes.append(contentsOf: "data: ".utf8)
        var json = JSONWriter(reservingCapacity: event.data.bytes.count + 128)
        json.object { json in
            json.member("type", name)
            json.member("timestamp", Int(event.time.timeIntervalSince1970 * 1000))
            json.member("workspace_id", orNull: event.subject?.lowercased)
            json.member("data", raw: event.data.bytes)
        }
        // A line break would end the field; inside JSON it can only be white space.
        bytes.append(contentsOf: json.bytes.lazy.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 })
        bytes.append(contentsOf: "\n\n".utf8)
        self.bytes = bytes
    }

    /// Tells a viewer how many events it was too slow for.
    static func lagged(_ dropped: Int) -> [UInt8] {
        let now = Int(Date().timeIntervalSince1970 * 1000)
        return Array(
            #"data: {"type":"\#(StreamNotice.lagged)","timestamp":\#(now),"data":{"dropped":\#(dropped)}}"#.utf8)
            + Array("\n\n".utf8)
    }
}

/// What a viewer asked to see.
struct StreamFilter: Sendable {
    var workspace: UUID?
    /// Empty for all.
    var types: Set<EventType> = []

    func admits(_ frame: StreamFrame) -> Bool {
        if let workspace, frame.workspace != workspace { return false }
        guard !types.isEmpty else { return true }
        return frame.type.map(types.contains) ?? false
    }
}
