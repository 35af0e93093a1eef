import ASCIIText
import Foundation
import JSONBytes

extension CloudEvent {
    /// How many levels of an event the platform itself puts around what it took from outside: a batch, the event, and its
    /// data, whose members are such values (an agent's response).
    private static let wrapping = 3

    /// The event in structured JSON.
    public func encoded() -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 320 + data.bytes.count, escapes: .numeric)
        write(to: &writer)
        return writer.bytes
    }

    /// Events in the batch form, one array.
    public static func encodeBatch(_ events: some Collection<CloudEvent>) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: 2 + events.count * 400, escapes: .numeric)
        writer.beginArray()
        for event in events { event.write(to: &writer) }
        writer.endArray()
        return writer.bytes
    }

    /// New events of one type, source and time in the batch form. Shared members are encoded once: the events of a
    /// commit differ in id, subject and data only.
    public static func encodeBatch(
        type: String, source: String, time: Date, _ events: [(workspace: UUID, data: RawJSON)]
    ) -> [UInt8] {
        var middle = Array("\",\"source\":".utf8)
        middle += quoted(source)
        middle += Array(",\"type\":".utf8)
        middle += quoted(type)
        middle += Array(",\"subject\":\"".utf8)
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
        let document: JSONSlice
        do {
            document = try JSONSlice(validating: bytes, wrappedIn: wrapping)
        } catch {
            throw WireError(field: nil, reason: "is not valid JSON")
        }
        guard var elements = document.elementIterator else { return ([try CloudEvent(document)], []) }
        var events: [CloudEvent] = []
        var refused: [RefusedEvent] = []
        while let element = elements.next() {
            do throws(WireError) {
                events.append(try CloudEvent(element))
            } catch {
                let index = events.count + refused.count
                refused.append(RefusedEvent(index: index, bytes: Array(element.bytes), error: error))
            }
        }
        if events.isEmpty, let first = refused.first { throw first.error }
        return (events, refused)
    }

    private func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("specversion", "1.0")
        writer.key("id")
        writer.uuid(id)
        writer.member("source", source)
        writer.member("type", type)
        if let subject {
            writer.key("subject")
            writer.uuid(subject)
        }
        writer.key("time")
        writer.time(time)
        writer.member("datacontenttype", "application/json")
        writer.member("traceparent", ifPresent: traceparent)
        if let sequence {
            // Text: integers of CloudEvents attributes have 32 bits.
            writer.key("sequence")
            writer.string { IntegerText.append(Int(sequence), to: &$0) }
        }
        writer.member("data", raw: data.bytes)
        writer.endObject()
    }

    private static func quoted(_ text: String) -> [UInt8] {
        var writer = JSONWriter(reservingCapacity: text.utf8.count + 8, escapes: .numeric)
        writer.string(text)
        return writer.bytes
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

extension CloudEvent {
    /// One event of a document.
    fileprivate init(_ value: JSONSlice) throws(WireError) {
        guard let members = value.object else { throw WireError(field: nil, reason: "must be an object") }
        guard try members.required("specversion") == "1.0" else {
            throw WireError(field: "specversion", reason: "must be 1.0")
        }
        guard let id = UUIDText.read(try members.required("id")) else {
            throw WireError(field: "id", reason: "must be a UUID")
        }
        var subject: UUID?
        if let text = members.text("subject") {
            subject = UUIDText.read(text)
            guard subject != nil else { throw WireError(field: "subject", reason: "must be a UUID") }
        }
        guard let time = RFC3339.parse(try members.required("time")) else {
            throw WireError(field: "time", reason: "must be an RFC 3339 time")
        }
        self.init(
            id: id, source: try members.required("source"), type: try members.required("type"), subject: subject,
            time: time, data: members["data"].map { RawJSON(unchecked: Array($0.bytes)) } ?? .emptyObject,
            traceparent: members.text("traceparent"), sequence: members.text("sequence").flatMap { Int64($0) })
    }
}

extension JSONObject {
    /// The text of a string, or of a number: a sequence may be written as one; nil for `null`.
    fileprivate func text(_ name: StaticString) -> String? {
        guard let value = self[name], !value.isNull else { return nil }
        return value.string ?? String(decoding: value.bytes, as: UTF8.self)
    }

    fileprivate func required(_ name: StaticString) throws(WireError) -> String {
        guard let text = text(name) else { throw WireError(field: name.description, reason: "is required") }
        return text
    }
}
