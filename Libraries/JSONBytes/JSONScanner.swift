/// Walks over JSON and checks every byte of it: the grammar of RFC 8259, UTF-8, paired surrogates in escapes, and the
/// depth. Allocates nothing.
///
/// The one check of the package: what it takes is valid everywhere, what it refuses nowhere.
///
/// Duplicate names in an object are allowed; whoever looks a name up gets the last one, as with most decoders. Numbers
/// are checked for their form only; whether they fit a type shows when they are read.
package struct JSONScanner {
    /// How deep objects and arrays may nest: `[[1]]` has depth 2. One bit of a word remembers each level's kind.
    ///
    /// What the platform puts around a value that it took, an event around an agent's response, does not count: see
    /// ``skipValue(wrappedIn:)``.
    package static let depthLimit = 64

    let bytes: UnsafeBufferPointer<UInt8>
    var position: Int

    init(_ bytes: UnsafeBufferPointer<UInt8>, at position: Int = 0) {
        self.bytes = bytes
        self.position = position
    }

    /// Checks that `bytes` are one well-formed JSON document.
    package static func validate(_ bytes: [UInt8]) throws(JSONError) {
        try bytes.scanning { (buffer) throws(JSONError) in
            var scanner = JSONScanner(buffer)
            try scanner.skipValue(atDepth: 0)
            try scanner.expectEnd()
        }
    }

    /// Passes one value with the white space before it.
    ///
    /// - Parameter outer: how many objects and arrays the value is inside of.
    mutating func skipValue(atDepth outer: Int) throws(JSONError) {
        var objects: UInt64 = 0  // the lowest bit is the innermost container's: 1 for an object
        var depth = outer
        while true {
            // A value begins here.
            switch try nextToken() {
            case UInt8(ascii: "\""):
                try skipString()
            case UInt8(ascii: "{"):
                try enter(&depth)
                if try nextToken() != UInt8(ascii: "}") {
                    objects = objects << 1 | 1
                    try skipName()
                    continue
                }
                position &+= 1
                depth &-= 1
            case UInt8(ascii: "["):
                try enter(&depth)
                if try nextToken() != UInt8(ascii: "]") {
                    objects <<= 1
                    continue
                }
                position &+= 1
                depth &-= 1
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try skipNumber()
            case UInt8(ascii: "t"): try skipLiteral("true")
            case UInt8(ascii: "f"): try skipLiteral("false")
            case UInt8(ascii: "n"): try skipLiteral("null")
            default: throw JSONError(.unexpectedByte, at: position)
            }
            // A value ended here, and perhaps containers with it.
            while true {
                if depth == outer { return }
                let isObject = objects & 1 == 1
                let byte = try nextToken()
                position &+= 1
                if byte == UInt8(ascii: ",") {
                    if isObject {
                        guard try nextToken() == UInt8(ascii: "\"") else {
                            throw JSONError(.unexpectedByte, at: position)
                        }
                        try skipName()
                    }
                    break
                }
                guard byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) else {
                    throw JSONError(.unexpectedByte, at: position &- 1)
                }
                objects >>= 1
                depth &-= 1
            }
        }
    }

    /// Passes one value with the white space before it. Of the objects and arrays around each value in it, as many of the
    /// outermost as `levels` says do not count for the depth.
    mutating func skipValue(wrappedIn levels: Int) throws(JSONError) {
        let opening = try nextToken()
        let isObject = opening == UInt8(ascii: "{")
        guard levels > 0, isObject || opening == UInt8(ascii: "[") else { return try skipValue(atDepth: 0) }
        let closing = isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")
        position &+= 1
        if try nextToken() == closing {
            position &+= 1
            return
        }
        while true {
            if isObject {
                _ = try nextToken()
                try skipName()
            }
            try skipValue(wrappedIn: levels - 1)
            let separator = try nextToken()
            position &+= 1
            if separator == closing { return }
            guard separator == UInt8(ascii: ",") else { throw JSONError(.unexpectedByte, at: position &- 1) }
        }
    }

    /// Passes white space and nothing else, up to the end.
    mutating func expectEnd() throws(JSONError) {
        skipWhitespace()
        if position < bytes.count { throw JSONError(.trailingBytes, at: position) }
    }

    /// Passes a member's name and the colon behind it.
    @inline(__always)
    mutating func skipName() throws(JSONError) {
        guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
            throw JSONError(position < bytes.count ? .unexpectedByte : .unexpectedEnd, at: position)
        }
        try skipString()
        guard try nextToken() == UInt8(ascii: ":") else { throw JSONError(.unexpectedByte, at: position) }
        position &+= 1
    }

    /// The next byte that is not white space; the position is moved onto it.
    @inline(__always)
    mutating func nextToken() throws(JSONError) -> UInt8 {
        if position < bytes.count, bytes[position] > 0x20 { return bytes[position] }
        skipWhitespace()
        guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
        return bytes[position]
    }

    @inline(__always)
    mutating func skipWhitespace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position &+= 1
            default: return
            }
        }
    }

    @inline(__always)
    mutating func enter(_ depth: inout Int) throws(JSONError) {
        guard depth < Self.depthLimit else { throw JSONError(.tooDeep, at: position) }
        depth &+= 1
        position &+= 1
    }
}

extension [UInt8] {
    /// Lends the bytes to a function with typed errors. Offsets are kept in 31 bits, which bounds the size.
    @inline(__always)
    func scanning<T>(
        _ body: (UnsafeBufferPointer<UInt8>) throws(JSONError) -> T
    ) throws(JSONError) -> T {
        guard count <= Int32.max else { throw JSONError(.tooLarge, at: 0) }
        let outcome = withUnsafeBufferPointer { buffer -> Result<T, JSONError> in
            do throws(JSONError) { return .success(try body(buffer)) } catch { return .failure(error) }
        }
        return try outcome.get()
    }
}
