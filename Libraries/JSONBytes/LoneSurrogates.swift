import ASCIIText

extension [UInt8] {
    /// The same bytes with U+FFFD in place of each escaped half of a surrogate pair: for finding out what stands where in a
    /// document that was refused for one, never for going on with it. Offsets stay what they were.
    package var withoutLoneSurrogates: [UInt8] {
        var bytes = self
        var position = 0
        while position < bytes.count {
            guard bytes[position] == UInt8(ascii: "\\") else {
                position += 1
                continue
            }
            guard let unit = codeUnit(at: position) else {
                position += 2
                continue
            }
            if 0xD800..<0xDC00 ~= unit, let next = codeUnit(at: position + 6), 0xDC00..<0xE000 ~= next {
                position += 12
                continue
            }
            if 0xD800..<0xE000 ~= unit { bytes.replaceSubrange(position + 2..<position + 6, with: "fffd".utf8) }
            position += 6
        }
        return bytes
    }

    /// The value of the `\uXXXX` at a position; nil for anything else.
    private func codeUnit(at position: Int) -> UInt32? {
        guard position + 6 <= count, self[position] == UInt8(ascii: "\\"), self[position + 1] == UInt8(ascii: "u")
        else {
            return nil
        }
        var unit: UInt32 = 0
        for offset in 2..<6 {
            guard let digit = HexText.value(self[position + offset]) else { return nil }
            unit = unit << 4 | UInt32(digit)
        }
        return unit
    }
}
