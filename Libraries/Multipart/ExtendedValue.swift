import ASCIIText

/// A parameter with a character set: `UTF-8'en'na%C3%AFve` (RFC 8187).
enum ExtendedValue {
    /// - Returns: nil when it is none, in another character set than UTF-8 and ISO-8859-1, or not text in it.
    static func decode(_ bytes: [UInt8]) -> String? {
        let parts = bytes.split(separator: UInt8(ascii: "'"), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let value = percentDecoded(parts[2]) else { return nil }
        switch String(decoding: parts[0], as: UTF8.self).lowercased() {
        case "utf-8": return String(validating: value, as: UTF8.self)
        case "iso-8859-1": return String(String.UnicodeScalarView(value.map { Unicode.Scalar($0) }))
        default: return nil
        }
    }

    private static func percentDecoded(_ bytes: ArraySlice<UInt8>) -> [UInt8]? {
        var decoded: [UInt8] = []
        var rest = bytes
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                guard isTokenByte(byte) else { return nil }
                decoded.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(HexText.value), let low = rest.popFirst().flatMap(HexText.value)
            else {
                return nil
            }
            decoded.append(high << 4 | low)
        }
        return decoded
    }
}
