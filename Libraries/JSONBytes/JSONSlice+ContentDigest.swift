extension JSONSlice {
    /// Equal for values that say the same, within this process. Neither white space counts nor how strings are escaped nor
    /// the order of members, of which the last of a name stands for all of that name; numbers count as they are written.
    package var contentDigest: Int {
        document.withUnsafeBufferPointer { buffer in
            var digester = ContentDigester(buffer, at: range.lowerBound)
            return digester.value()
        }
    }
}

/// Reads a checked document once, from the outside in.
private struct ContentDigester {
    private enum Kind: UInt8 {
        case object, array, string, other
    }

    private var walker: JSONWalker

    init(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int) {
        walker = JSONWalker(bytes, inside: start)
        walker.position = start
    }

    /// Passes the value at the position. Depth is bounded by the check.
    mutating func value() -> Int {
        var hasher = Hasher()
        switch walker.token() {
        case UInt8(ascii: "{"): members(&hasher)
        case UInt8(ascii: "["): elements(&hasher)
        case UInt8(ascii: "\""):
            hasher.combine(Kind.string)
            hasher.combine(string())
        default:
            let range = walker.passValue()
            hasher.combine(Kind.other)
            hasher.combine(bytes: UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: walker.bytes[range])))
        }
        return hasher.finalize()
    }

    private mutating func members(_ hasher: inout Hasher) {
        var values: [[UInt8]: Int] = [:]
        walker.position += 1
        while walker.token() != UInt8(ascii: "}") {
            if walker.token() == UInt8(ascii: ",") { walker.position += 1 }
            _ = walker.token()
            let name = string()
            _ = walker.token()  // the colon
            walker.position += 1
            values[name] = value()
        }
        walker.position += 1
        hasher.combine(Kind.object)
        // A dictionary's own hash does not depend on the order.
        hasher.combine(values)
    }

    private mutating func elements(_ hasher: inout Hasher) {
        hasher.combine(Kind.array)
        walker.position += 1
        while walker.token() != UInt8(ascii: "]") {
            if walker.token() == UInt8(ascii: ",") { walker.position += 1 }
            hasher.combine(value())
        }
        walker.position += 1
    }

    /// Passes the string at the position; the bytes that it stands for.
    private mutating func string() -> [UInt8] {
        let start = walker.position
        let hasEscapes = walker.passString()
        let inside = start + 1..<walker.position - 1
        return hasEscapes ? unescaped(walker.bytes, inside) : Array(walker.bytes[inside])
    }
}
