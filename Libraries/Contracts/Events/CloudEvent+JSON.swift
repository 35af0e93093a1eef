import Foundation

extension CloudEvent {
    /// The event in structured JSON.
    public func encoded() -> [UInt8] {
        let output = JSONOutput(reservingCapacity: 320 + data.bytes.count)
        write(to: output)
        return output.bytes
    }

    /// Events in the batch form, one array.
    public static func encodeBatch(_ events: some Collection<CloudEvent>) -> [UInt8] {
        let output = JSONOutput(reservingCapacity: 2 + events.count * 400)
        output.openArray()
        for event in events {
            output.separate()
            event.write(to: output)
        }
        output.close(to: 0)
        return output.bytes
    }

    /// New events of one type, source and time in the batch form. Shared members are encoded once: the events of a
    /// commit differ in id, subject and data only.
    public static func encodeBatch(
        type: String, source: String, time: Date, _ events: [(workspace: UUID, data: RawJSON)]
    ) -> [UInt8] {
        let shared = JSONOutput(reservingCapacity: 192)
        shared.literal("\",\"source\":")
        shared.string(source)
        shared.literal(",\"type\":")
        shared.string(type)
        shared.literal(",\"subject\":\"")
        let middle = shared.bytes
        let end = Array(
            "\",\"time\":\"\(RFC3339.format(time))\",\"datacontenttype\":\"application/json\",\"data\":".utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(events.reduce(2) { $0 + 130 + middle.count + end.count + $1.data.bytes.count })
        bytes.append(UInt8(ascii: "["))
        for (index, event) in events.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(contentsOf: #"{"specversion":"1.0","id":""#.utf8)
            UUID().appendLowercased(to: &bytes)
            bytes.append(contentsOf: middle)
            event.workspace.appendLowercased(to: &bytes)
            bytes.append(contentsOf: end)
            bytes.append(contentsOf: event.data.bytes)
            bytes.append(UInt8(ascii: "}"))
        }
        bytes.append(UInt8(ascii: "]"))
        return bytes
    }

    /// Reads one event or a batch: both forms are accepted, whatever the content type.
    /// - Throws: ``WireError`` when the bytes are no CloudEvents; such a message should be dead-lettered.
    public static func decode(_ bytes: [UInt8]) throws(WireError) -> [CloudEvent] {
        let batch = try decodeEach(bytes)
        if let refused = batch.refused.first { throw refused.error }
        return batch.events
    }

    /// Reads one event or a batch, of which events that cannot be read do not affect the others.
    ///
    /// - Returns: the events, and each element of the batch that is not an event.
    /// - Throws: ``WireError`` when the bytes are not JSON, or hold no event at all.
    public static func decodeEach(
        _ bytes: [UInt8]
    ) throws(WireError) -> (events: [CloudEvent], refused: [RefusedEvent]) {
        do {
            let batch = try bytes.withUnsafeBufferPointer(decodeAll)
            if batch.events.isEmpty, let refused = batch.refused.first { throw refused.error }
            return batch
        } catch let error as WireError {
            throw error
        } catch {
            throw WireError(field: nil, reason: "is not valid JSON")
        }
    }

    private func write(to output: JSONOutput) {
        let depth = output.depth
        output.openObject()
        output.key("specversion")
        output.literal("\"1.0\"")
        output.key("id")
        output.uuid(id)
        output.key("source")
        output.string(source)
        output.key("type")
        output.string(type)
        if let subject {
            output.key("subject")
            output.uuid(subject)
        }
        output.key("time")
        output.string(RFC3339.format(time))
        output.key("datacontenttype")
        output.literal("\"application/json\"")
        if let traceparent {
            output.key("traceparent")
            output.string(traceparent)
        }
        if let sequence {
            // Text: integers of CloudEvents attributes have 32 bits.
            output.key("sequence")
            output.string(String(sequence))
        }
        output.key("data")
        output.raw(data.bytes)
        output.close(to: depth)
    }

    private static func decodeAll(
        _ bytes: UnsafeBufferPointer<UInt8>
    ) throws -> (events: [CloudEvent], refused: [RefusedEvent]) {
        // Everything below relies on valid UTF-8, as data is passed on without another check.
        guard String(validating: bytes, as: UTF8.self) != nil else { throw JSONScanner.Malformed() }
        var scanner = JSONScanner(bytes)
        var events: [CloudEvent] = []
        var refused: [RefusedEvent] = []
        if scanner.peek() == UInt8(ascii: "[") {
            try scanner.elements { range in
                do {
                    events.append(try decodeOne(bytes, range))
                } catch {
                    refused.append(
                        RefusedEvent(
                            index: events.count + refused.count, bytes: Array(bytes[range]),
                            error: error as? WireError ?? WireError(field: nil, reason: "is not valid JSON")))
                }
            }
        } else {
            events.append(try decodeOne(bytes, 0..<bytes.count))
            try scanner.skipValue()
        }
        guard scanner.isAtEnd else { throw JSONScanner.Malformed() }
        return (events, refused)
    }

    private static func decodeOne(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) throws -> CloudEvent {
        var fields = Fields()
        var scanner = JSONScanner(bytes, at: range.lowerBound)
        guard scanner.peek() == UInt8(ascii: "{") else { throw WireError(field: nil, reason: "must be an object") }
        try scanner.members { key, value in
            try fields.take(String(decoding: bytes[key], as: UTF8.self), bytes, value)
        }
        return try fields.event()
    }
}

/// An element of a batch that is not a valid event.
public struct RefusedEvent: Sendable {
    /// Its index in the batch, from 0.
    public let index: Int
    /// One JSON value.
    public let bytes: [UInt8]
    /// Why it is not a valid event.
    public let error: WireError
}

/// The members of one event read so far.
private struct Fields {
    private var texts: [String: String] = [:]
    private var data: RawJSON?

    mutating func take(_ key: String, _ bytes: UnsafeBufferPointer<UInt8>, _ value: Range<Int>) throws {
        switch key {
        case "data":
            data = RawJSON(unchecked: Array(bytes[value]))
        case "id", "source", "type", "subject", "time", "traceparent", "sequence", "specversion":
            guard let text = try Self.text(bytes, value) else { return }
            texts[key] = text
        default: break
        }
    }

    func event() throws -> CloudEvent {
        guard try required("specversion") == "1.0" else { throw WireError(field: "specversion", reason: "must be 1.0") }
        guard let id = UUID(canonical: try required("id")) else {
            throw WireError(field: "id", reason: "must be a UUID")
        }
        let subject = try texts["subject"].map { text in
            guard let subject = UUID(canonical: text) else {
                throw WireError(field: "subject", reason: "must be a UUID")
            }
            return subject
        }
        guard let time = RFC3339.parse(try required("time")) else {
            throw WireError(field: "time", reason: "must be an RFC 3339 time")
        }
        return CloudEvent(
            id: id, source: try required("source"), type: try required("type"), subject: subject, time: time,
            data: data ?? .emptyObject, traceparent: texts["traceparent"],
            sequence: texts["sequence"].flatMap(Int64.init))
    }

    private func required(_ name: String) throws -> String {
        guard let text = texts[name] else { throw WireError(field: name, reason: "is required") }
        return text
    }

    /// The text of a string (or of a number, for a sequence written as one); nil for `null`.
    private static func text(_ bytes: UnsafeBufferPointer<UInt8>, _ value: Range<Int>) throws -> String? {
        let slice = bytes[value]
        guard slice.first == UInt8(ascii: "\"") else {
            return slice.first == UInt8(ascii: "n") ? nil : String(decoding: slice, as: UTF8.self)
        }
        if !slice.contains(UInt8(ascii: "\\")) {
            return String(decoding: slice.dropFirst().dropLast(), as: UTF8.self)
        }
        return try WireJSON.decode(String.self, from: slice)
    }
}
