/// One value inside a JSON document that was checked as a whole: where it is, and what it says when asked.
///
/// Holds the document's bytes without copying them. What is not asked for is not decoded.
package struct JSONSlice: Sendable {
    package enum Kind: Sendable, Hashable {
        case object, array, string, number, bool, null
    }

    /// The whole document's bytes.
    package let document: [UInt8]
    /// Where in the document the value is, without white space around it.
    package let range: Range<Int>

    init(document: [UInt8], range: Range<Int>) {
        self.document = document
        self.range = range
    }

    /// Checks that `bytes` are one well-formed JSON document, and stands for its value.
    ///
    /// - Parameter levels: how many objects and arrays around the rest do not count for the depth, because the platform
    ///   itself put them around what had been checked before.
    package init(validating bytes: [UInt8], wrappedIn levels: Int = 0) throws(JSONError) {
        range = try bytes.scanning { (buffer) throws(JSONError) in
            var scanner = JSONScanner(buffer)
            _ = try scanner.nextToken()
            let start = scanner.position
            try scanner.skipValue(wrappedIn: levels)
            let end = scanner.position
            try scanner.expectEnd()
            return start..<end
        }
        document = bytes
    }

    package var kind: Kind {
        switch document[range.lowerBound] {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }

    /// The value's own bytes as they were sent.
    package var bytes: ArraySlice<UInt8> { document[range] }

    package var isNull: Bool { kind == .null }

    /// The text of a string, nil for anything else.
    package var string: String? { document.withUnsafeBufferPointer { decodedString($0, range) } }

    /// A whole number that fits 64 bits (`3.0` counts), nil for anything else.
    package var int: Int? { document.withUnsafeBufferPointer { wholeNumber($0, range) } }

    /// A number that fits a double, nil for anything else.
    package var double: Double? { document.withUnsafeBufferPointer { floatingNumber($0, range) } }

    /// `true` or `false`, nil for anything else.
    package var bool: Bool? { document.withUnsafeBufferPointer { decodedBool($0, range) } }

    /// An object's members ready for look-up, nil for anything else.
    package var object: JSONObject? { kind == .object ? JSONObject(self) : nil }

    /// An object's member that must stand once; nil when it does not stand there, and for anything that is no object.
    package func unique(_ name: StaticString) throws(JSONFieldError) -> JSONSlice? {
        try object?.unique(name)
    }

    /// Members of an object that must stand once each, found in one pass; nil where one does not stand there, all of them
    /// for anything that is no object.
    package func unique(
        _ first: StaticString, _ second: StaticString, _ third: StaticString? = nil
    ) throws(JSONFieldError) -> (first: JSONSlice?, second: JSONSlice?, third: JSONSlice?) {
        guard kind == .object else { return (nil, nil, nil) }
        var found: (first: Range<Int>?, second: Range<Int>?, third: Range<Int>?)
        var repeated: StaticString?
        document.withUnsafeBufferPointer { buffer in
            var walker = JSONWalker(buffer, inside: range.lowerBound)
            while let member = walker.nextMember() {
                if member.name.isEqual(to: first, in: buffer) {
                    if found.first != nil { repeated = first }
                    found.first = member.value
                } else if member.name.isEqual(to: second, in: buffer) {
                    if found.second != nil { repeated = second }
                    found.second = member.value
                } else if let third, member.name.isEqual(to: third, in: buffer) {
                    if found.third != nil { repeated = third }
                    found.third = member.value
                }
            }
        }
        if let repeated { throw JSONFieldError(repeated: repeated) }
        func slice(_ range: Range<Int>?) -> JSONSlice? { range.map { JSONSlice(document: document, range: $0) } }
        return (slice(found.first), slice(found.second), slice(found.third))
    }

    /// An array's elements, nil for anything else.
    package var elements: [JSONSlice]? {
        guard kind == .array else { return nil }
        var found: [JSONSlice] = []
        document.withUnsafeBufferPointer { buffer in
            var walker = JSONWalker(buffer, inside: range.lowerBound)
            while let element = walker.nextElement() {
                found.append(JSONSlice(document: document, range: element))
            }
        }
        return found
    }

    /// An array's elements one after another, nil for anything else: for arrays that may have more elements than anyone
    /// will read.
    package var elementIterator: JSONElementIterator? { kind == .array ? JSONElementIterator(self) : nil }

    /// The value reached by going from object to object; nil when a name is missing or something on the way is no object.
    /// Of several members with one name the last counts.
    package func find(_ path: StaticString...) -> JSONSlice? { find(path) }

    /// As ``find(_:)-(StaticString...)``.
    package func find(_ path: [StaticString]) -> JSONSlice? {
        document.withUnsafeBufferPointer { buffer in
            var range = range
            for name in path {
                guard buffer[range.lowerBound] == UInt8(ascii: "{"),
                    let next = lastMember(name, of: buffer, at: range.lowerBound)
                else { return nil }
                range = next
            }
            return JSONSlice(document: document, range: range)
        }
    }
}

/// Where the value of the last member called `name` is in the object that begins at `start`.
private func lastMember(
    _ name: StaticString, of bytes: UnsafeBufferPointer<UInt8>, at start: Int
) -> Range<Int>? {
    let wanted = UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
    var walker = JSONWalker(bytes, inside: start)
    var found: Range<Int>?
    while let member = walker.nextMember() {
        if member.name.isEqual(to: wanted, in: bytes) { found = member.value }
    }
    return found
}

/// The elements of an array of a checked document, found as they are asked for.
package struct JSONElementIterator: IteratorProtocol, Sendable {
    private let document: [UInt8]
    private var position: Int

    init(_ array: JSONSlice) {
        document = array.document
        position = array.range.lowerBound + 1
    }

    package mutating func next() -> JSONSlice? {
        let range = document.withUnsafeBufferPointer { buffer -> Range<Int>? in
            var walker = JSONWalker(buffer, at: position)
            defer { position = walker.position }
            return walker.nextElement()
        }
        return range.map { JSONSlice(document: document, range: $0) }
    }
}
