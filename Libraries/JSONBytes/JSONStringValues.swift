import ASCIIText

extension UnsafeBufferPointer<UInt8> {
    /// Looks through the texts of a JSON document: its strings, as they read once their escapes are resolved, but for
    /// the names of members. Checks nothing: of bytes that are not JSON it makes some texts, within their bounds.
    ///
    /// - Parameters:
    ///   - includesRest: whether what stands between the strings, numbers with it, is shown, too, as it is written.
    ///   - scratch: memory for decoded strings, kept from one document to the next.
    ///   - isWanted: gets each text, valid during the call only.
    /// - Returns: whether one was wanted; those behind it are not looked at.
    package func containsJSONText(
        includesRest: Bool = false, scratch: inout [UInt8], where isWanted: (UnsafeBufferPointer<UInt8>) -> Bool
    ) -> Bool {
        var position = 0
        while position < count {
            let start = position
            while position < count, self[position] != 0x22 { position &+= 1 }
            if includesRest, position > start, isWanted(UnsafeBufferPointer(rebasing: self[start..<position])) {
                return true
            }
            guard position < count else { return false }
            let (end, hasEscapes) = endOfString(from: position &+ 1)
            let inside = UnsafeBufferPointer(rebasing: self[position &+ 1..<end])
            position = Swift.min(end &+ 1, count)
            if isColon(at: position) { continue }
            if !hasEscapes {
                if isWanted(inside) { return true }
            } else {
                inside.resolveEscapes(into: &scratch)
                if scratch.withUnsafeBufferPointer(isWanted) { return true }
            }
        }
        return false
    }

    /// Where the string's closing quote is.
    private func endOfString(from start: Int) -> (end: Int, hasEscapes: Bool) {
        var (position, hasEscapes) = (start, false)
        while position < count {
            if position &+ 8 <= count {
                let ends = word(at: position).quotesAndBackslashes
                position &+= ends == 0 ? 8 : ends.trailingZeroBitCount >> 3
                if ends == 0 { continue }
            }
            switch self[position] {
            case 0x22: return (position, hasEscapes)
            case 0x5C:
                hasEscapes = true
                position &+= 2
            default: position &+= 1
            }
        }
        return (count, hasEscapes)
    }

    private func isColon(at start: Int) -> Bool {
        var position = start
        while position < count, self[position] <= 0x20 { position &+= 1 }
        return position < count && self[position] == UInt8(ascii: ":")
    }

    /// The inside of a string as UTF-8. Halves of surrogate pairs, which Postgres lets pass in JSON, become U+FFFD.
    private func resolveEscapes(into text: inout [UInt8]) {
        text.removeAll(keepingCapacity: true)
        var position = 0
        while position < count {
            let start = position
            while position < count, self[position] != 0x5C { position &+= 1 }
            text.append(contentsOf: UnsafeBufferPointer(rebasing: self[start..<position]))
            guard position &+ 1 < count else { return }
            if self[position &+ 1] == UInt8(ascii: "u") {
                let scalar = Unicode.Scalar(escapedScalar(at: &position)) ?? "\u{FFFD}"
                text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            } else {
                text.append(simpleEscape(self[position &+ 1]))
                position &+= 2
            }
        }
    }

    /// Passes `\uXXXX`, and the second half of a pair that begins there.
    private func escapedScalar(at position: inout Int) -> UInt32 {
        let first = codeUnit(at: position)
        position = Swift.min(position &+ 6, count)
        guard 0xD800..<0xDC00 ~= first, position &+ 1 < count, self[position] == 0x5C,
            self[position &+ 1] == UInt8(ascii: "u")
        else { return first }
        let second = codeUnit(at: position)
        guard 0xDC00..<0xE000 ~= second else { return first }
        position = Swift.min(position &+ 6, count)
        return 0x10000 + (first - 0xD800) << 10 + second - 0xDC00
    }

    private func codeUnit(at position: Int) -> UInt32 {
        var unit: UInt32 = 0
        for offset in 2..<6 where position &+ offset < count {
            unit = unit << 4 | UInt32(HexText.value(self[position &+ offset]) ?? 0)
        }
        return unit
    }
}
