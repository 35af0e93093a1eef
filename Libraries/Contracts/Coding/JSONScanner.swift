/// Walks JSON text without building anything: finds where values begin and end.
///
/// Events are read with it, so that their `data` is cut out as bytes and never decoded and encoded again.
struct JSONScanner {
    private(set) var position: Int
    private let bytes: UnsafeBufferPointer<UInt8>
    private let maximumDepth: Int

    /// The text is not JSON, or nested too deeply.
    struct Malformed: Error {}

    init(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int = 0, maximumDepth: Int = 256) {
        self.bytes = bytes
        self.position = position
        self.maximumDepth = maximumDepth
    }

    static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    /// Whether the bytes are exactly one JSON value in valid UTF-8.
    static func isOneValue(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBufferPointer { buffer in
            var scanner = JSONScanner(buffer)
            guard (try? scanner.skipValue()) != nil else { return false }
            return scanner.isAtEnd && String(validating: buffer, as: UTF8.self) != nil
        }
    }

    /// Only white space is left.
    var isAtEnd: Bool {
        mutating get {
            skipSpace()
            return position == bytes.count
        }
    }

    /// Visits the members of the object that starts here: raw key and the range of each value.
    mutating func members(_ visit: (Range<Int>, Range<Int>) throws -> Void) throws {
        try expect(UInt8(ascii: "{"))
        if take(UInt8(ascii: "}")) { return }
        repeat {
            skipSpace()
            let key = try skipString()
            try expect(UInt8(ascii: ":"))
            try visit(key, valueRange())
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
    }

    /// Visits the ranges of the elements of the array that starts here.
    mutating func elements(_ visit: (Range<Int>) throws -> Void) throws {
        try expect(UInt8(ascii: "["))
        if take(UInt8(ascii: "]")) { return }
        repeat { try visit(valueRange()) } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"))
    }

    /// The range of the next element, from behind the array's bracket or the element before it, in text that has been
    /// checked; nil behind the last one.
    mutating func nextElement() throws -> Range<Int>? {
        guard let byte = peek(), byte != UInt8(ascii: "]") else { return nil }
        _ = take(UInt8(ascii: ","))
        return try valueRange()
    }

    /// The first byte of the next token, nil at the end.
    mutating func peek() -> UInt8? {
        skipSpace()
        return position < bytes.count ? bytes[position] : nil
    }

    mutating func skipValue(depth: Int = 0) throws {
        guard let first = peek(), depth <= maximumDepth else { throw Malformed() }
        switch first {
        case UInt8(ascii: "{"): try skipObject(depth: depth)
        case UInt8(ascii: "["): try skipArray(depth: depth)
        case UInt8(ascii: "\""): _ = try skipString()
        case UInt8(ascii: "t"): try skipLiteral("true")
        case UInt8(ascii: "f"): try skipLiteral("false")
        case UInt8(ascii: "n"): try skipLiteral("null")
        default: try skipNumber()
        }
    }

    private mutating func valueRange() throws -> Range<Int> {
        skipSpace()
        let start = position
        try skipValue()
        return start..<position
    }

    private mutating func skipObject(depth: Int) throws {
        try expect(UInt8(ascii: "{"))
        if take(UInt8(ascii: "}")) { return }
        repeat {
            skipSpace()
            _ = try skipString()
            try expect(UInt8(ascii: ":"))
            try skipValue(depth: depth + 1)
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
    }

    private mutating func skipArray(depth: Int) throws {
        try expect(UInt8(ascii: "["))
        if take(UInt8(ascii: "]")) { return }
        repeat { try skipValue(depth: depth + 1) } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"))
    }

    /// Skips a string and returns the range between its quotes, escapes as they are.
    private mutating func skipString() throws -> Range<Int> {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else { throw Malformed() }
        let start = position + 1
        position = start
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                position += 1
                return start..<(position - 1)
            }
            if byte == UInt8(ascii: "\\") {
                try skipEscape()
            } else if byte < 0x20 {
                throw Malformed()
            } else {
                position += 1
            }
        }
        throw Malformed()
    }

    private mutating func skipEscape() throws {
        guard position + 1 < bytes.count else { throw Malformed() }
        switch bytes[position + 1] {
        case UInt8(ascii: "u"):
            guard position + 5 < bytes.count, bytes[(position + 2)...(position + 5)].allSatisfy(Self.isHex) else {
                throw Malformed()
            }
            position += 6
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            position += 2
        default: throw Malformed()
        }
    }

    private mutating func skipNumber() throws {
        if at(UInt8(ascii: "-")) { position += 1 }
        if at(UInt8(ascii: "0")) { position += 1 } else { try skipDigits() }
        if at(UInt8(ascii: ".")) {
            position += 1
            try skipDigits()
        }
        if at(UInt8(ascii: "e")) || at(UInt8(ascii: "E")) {
            position += 1
            if at(UInt8(ascii: "+")) || at(UInt8(ascii: "-")) { position += 1 }
            try skipDigits()
        }
    }

    private mutating func skipDigits() throws {
        let start = position
        while position < bytes.count, bytes[position] &- UInt8(ascii: "0") < 10 { position += 1 }
        guard position > start else { throw Malformed() }
    }

    private mutating func skipLiteral(_ literal: StaticString) throws {
        for index in 0..<literal.utf8CodeUnitCount {
            guard at(literal.utf8Start[index]) else { throw Malformed() }
            position += 1
        }
    }

    private mutating func skipSpace() {
        while position < bytes.count, Self.isSpace(bytes[position]) { position += 1 }
    }

    private func at(_ byte: UInt8) -> Bool { position < bytes.count && bytes[position] == byte }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard at(byte) else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ byte: UInt8) throws {
        guard take(byte) else { throw Malformed() }
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
            UInt8(ascii: "A")...UInt8(ascii: "F"):
            true
        default: false
        }
    }
}
