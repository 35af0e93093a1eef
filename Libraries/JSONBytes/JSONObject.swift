/// The members of one object of a checked document, found by name and read with their types.
///
/// Made in one pass and one allocation; values are decoded when asked for. The readers return nil for what is absent or
/// `null`, and throw, naming the field, for another type and for a name that stands twice; the subscripts take the last
/// member of a name.
package struct JSONObject: Sendable {
    private struct Entry {
        let name: JSONName
        private let start: UInt32
        private let end: UInt32

        @inline(__always)
        init(name: JSONName, start: Int, end: Int) {
            self.name = name
            self.start = UInt32(truncatingIfNeeded: start)
            self.end = UInt32(truncatingIfNeeded: end)
        }

        var value: Range<Int> { Range(uncheckedBounds: (Int(start), Int(end))) }
    }

    /// The whole document's bytes.
    package let document: [UInt8]
    /// Where in the document the object is, its braces included.
    package let range: Range<Int>
    private let entries: [Entry]

    /// Checks that `bytes` are one well-formed JSON document that is an object.
    package init(validating bytes: [UInt8]) throws(JSONError) {
        var entries: [Entry] = []
        entries.reserveCapacity(12)  // a heartbeat has nine members
        range = try bytes.scanning { (buffer) throws(JSONError) in
            var scanner = JSONScanner(buffer)
            if try scanner.nextToken() != UInt8(ascii: "{") {
                // What is not JSON at all is reported as such.
                try scanner.skipValue(atDepth: 0)
                try scanner.expectEnd()
                throw JSONError(.notAnObject, at: 0)
            }
            let start = scanner.position
            try scanner.passMembers { entries.append(Entry(name: $0, start: $1, end: $2)) }
            let end = scanner.position
            try scanner.expectEnd()
            return start..<end
        }
        self.entries = entries
        document = bytes
    }

    /// The members of an object inside a document that is known to be well-formed.
    init(_ slice: JSONSlice) {
        var entries: [Entry] = []
        entries.reserveCapacity(4)
        slice.document.withUnsafeBufferPointer { buffer in
            var walker = JSONWalker(buffer, inside: slice.range.lowerBound)
            while let member = walker.nextMember() {
                entries.append(
                    Entry(name: member.name, start: member.value.lowerBound, end: member.value.upperBound))
            }
        }
        self.entries = entries
        document = slice.document
        range = slice.range
    }

    /// The object itself as a value.
    package var slice: JSONSlice { JSONSlice(document: document, range: range) }

    /// How many members there are, duplicates counted.
    package var count: Int { entries.count }

    /// The value of the last member of this name; an explicit `null` is a value.
    package subscript(name: StaticString) -> JSONSlice? {
        document.withUnsafeBufferPointer { buffer in
            locate(name, buffer).map { JSONSlice(document: document, range: $0) }
        }
    }

    /// Where the value of the last member of this name is.
    @inline(__always)
    func locate(_ name: StaticString, _ buffer: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
        let wanted = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        return entries.withUnsafeBufferPointer { entries in
            var index = entries.count &- 1
            while index >= 0 {
                if entries[index].name.isEqual(to: wanted, in: buffer) { return entries[index].value }
                index &-= 1
            }
            return nil
        }
    }

    /// As `locate`, and whether there is another member of this name.
    @inline(__always)
    func locateOnly(
        _ name: StaticString, _ buffer: UnsafeBufferPointer<UInt8>
    ) -> (range: Range<Int>?, isRepeated: Bool) {
        locateOnly(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), buffer)
    }

    @inline(__always)
    private func locateOnly(
        _ wanted: UnsafeBufferPointer<UInt8>, _ buffer: UnsafeBufferPointer<UInt8>
    ) -> (range: Range<Int>?, isRepeated: Bool) {
        return entries.withUnsafeBufferPointer { entries in
            var found: Range<Int>?
            var index = entries.count &- 1
            while index >= 0 {
                if entries[index].name.isEqual(to: wanted, in: buffer) {
                    if found != nil { return (found, true) }
                    found = entries[index].value
                }
                index &-= 1
            }
            return (found, false)
        }
    }

    /// How often a name stands in an object.
    package enum Occurrence: Sendable {
        case missing
        case once(JSONSlice)
        case repeated
    }

    /// The value of the member of this name, told apart from one of several: two readers of one body must not see two
    /// values.
    package func occurrence(of name: String) -> Occurrence {
        var name = name
        let place = name.withUTF8 { wanted in document.withUnsafeBufferPointer { locateOnly(wanted, $0) } }
        if place.isRepeated { return .repeated }
        return place.range.map { .once(JSONSlice(document: document, range: $0)) } ?? .missing
    }

    /// Names and values in the order they were sent.
    package var members: [(name: String, value: JSONSlice)] {
        document.withUnsafeBufferPointer { buffer in
            entries.map { entry in
                let name = String(decoding: unescaped(buffer, entry.name.inside), as: UTF8.self)
                return (name, JSONSlice(document: document, range: entry.value))
            }
        }
    }

    /// As ``JSONSlice/find(_:)-([StaticString])``, the first step by this object's index.
    package func find(_ path: StaticString...) -> JSONSlice? {
        guard let first = path.first else { return slice }
        let value = self[first]
        return path.count == 1 ? value : value?.find(Array(path.dropFirst()))
    }
}

extension JSONScanner {
    /// Passes the object at the position, which is at depth 0, and reports each member's name, and where its value starts
    /// and ends.
    @inline(__always)
    fileprivate mutating func passMembers(_ report: (JSONName, Int, Int) -> Void) throws(JSONError) {
        position &+= 1
        if try nextToken() == UInt8(ascii: "}") {
            position &+= 1
            return
        }
        while true {
            guard try nextToken() == UInt8(ascii: "\"") else { throw JSONError(.unexpectedByte, at: position) }
            let nameStart = position
            let hasEscapes = try skipString()
            let name = JSONName(nameStart, position, hasEscapes: hasEscapes)
            guard try nextToken() == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: position) }
            position &+= 1
            _ = try nextToken()
            let start = position
            try skipValue(atDepth: 1)
            report(name, start, position)
            let separator = try nextToken()
            position &+= 1
            if separator == UInt8(ascii: "}") { return }
            guard separator == UInt8(ascii: ",") else { throw JSONError(.unexpectedByte, at: position &- 1) }
        }
    }
}
