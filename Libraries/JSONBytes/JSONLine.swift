/// JSON inside a format of lines: server-sent events, logs.
extension [UInt8] {
    /// The same JSON value without anything that some reader takes for the end of a line.
    ///
    /// Carriage returns and line feeds stand only between tokens, where they say nothing, and are left out. NEL (U+0085),
    /// LINE SEPARATOR and PARAGRAPH SEPARATOR (U+2028, U+2029) stand only inside strings, and are escaped: JSON allows them
    /// there as they are, but line readers that follow Unicode, Python's among them, split at them.
    ///
    /// The bytes must be well-formed JSON. Without any of these they are returned as they are.
    package var onOneLine: [UInt8] {
        withUnsafeBufferPointer { source in
            guard var found = nextLineEnd(source, from: 0) else { return self }
            var line: [UInt8] = []
            line.reserveCapacity(source.count + 64)
            var start = 0
            while true {
                line.append(contentsOf: UnsafeBufferPointer(rebasing: source[start..<found.range.lowerBound]))
                line.append(contentsOf: found.escape.utf8)
                start = found.range.upperBound
                guard let next = nextLineEnd(source, from: start) else { break }
                found = next
            }
            line.append(contentsOf: UnsafeBufferPointer(rebasing: source[start...]))
            return line
        }
    }
}

/// - Returns: where the next line end is, and what it is written as.
private func nextLineEnd(
    _ bytes: UnsafeBufferPointer<UInt8>, from start: Int
) -> (range: Range<Int>, escape: String)? {
    var position = start
    while position < bytes.count {
        switch bytes[position] {
        case 0x0A, 0x0D: return (position..<position + 1, "")
        case 0xC2 where position + 1 < bytes.count && bytes[position + 1] == 0x85:
            return (position..<position + 2, #"\u0085"#)
        case 0xE2 where position + 2 < bytes.count && bytes[position + 1] == 0x80 && bytes[position + 2] & 0xFE == 0xA8:
            return (position..<position + 3, bytes[position + 2] == 0xA8 ? #"\u2028"# : #"\u2029"#)
        default: position &+= 1
        }
    }
    return nil
}
