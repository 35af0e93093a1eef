import JSONBytes

/// The format of `text/event-stream`, as the HTML standard has it (9.2.6): only its field `data` is used.
package enum ServerSentEvents {
    /// The data of each event of a stream that was read to its end, the lines of one event joined by line feeds.
    /// Comments and events without data are left out. An event cut off by the stream's end counts.
    package static func data(in stream: [UInt8]) -> [[UInt8]] {
        var events: [[UInt8]] = []
        var event: [UInt8]?
        var rest = stream[...]
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        while let line = takeLine(&rest) {
            if line.isEmpty {
                if let event { events.append(event) }
                event = nil
            } else if let value = dataValue(line) {
                if event == nil { event = Array(value) } else { event?.append(0x0A); event?.append(contentsOf: value) }
            }
        }
        if let event { events.append(event) }
        return events
    }

    /// One event whose data is a JSON value.
    package static func event(json: [UInt8]) -> [UInt8] {
        Array("data: ".utf8) + json.onOneLine + Array("\n\n".utf8)
    }

    /// Lines end with a carriage return, a line feed, or one behind the other.
    private static func takeLine(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard !rest.isEmpty else { return nil }
        guard let end = rest.firstIndex(where: { $0 == 0x0A || $0 == 0x0D }) else {
            defer { rest = [] }
            return rest
        }
        let line = rest[..<end]
        let isPair = rest[end] == 0x0D && end + 1 < rest.endIndex && rest[end + 1] == 0x0A
        rest = rest[(end + (isPair ? 2 : 1))...]
        return line
    }

    /// - Returns: nil when the line is another field, or a comment.
    private static func dataValue(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        let name = Array("data".utf8)
        guard line.starts(with: name) else { return nil }
        let rest = line.dropFirst(name.count)
        guard let colon = rest.first else { return rest }
        guard colon == UInt8(ascii: ":") else { return nil }
        let value = rest.dropFirst()
        return value.first == UInt8(ascii: " ") ? value.dropFirst() : value
    }
}
