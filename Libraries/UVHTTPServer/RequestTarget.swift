import ASCIIText

/// The parts of a request target (RFC 9112, 3.2).
enum RequestTarget {
    /// The part before `?`. Of a target without a query it is the same string.
    static func path(of target: String) -> String {
        guard let mark = queryMark(of: target) else { return target }
        return String(target[..<mark])
    }

    /// Where the `?` is. Most targets have none: that is seen in their bytes, without going from index to index.
    private static func queryMark(of target: String) -> String.Index? {
        let mark = UInt8(ascii: "?")
        if target.utf8.withContiguousStorageIfAvailable({ $0.contains(mark) }) == false { return nil }
        return target.utf8.firstIndex(of: mark)
    }

    static func queryItems(of target: String) -> [(name: String, value: String)] {
        guard let mark = queryMark(of: target) else { return [] }
        return target[target.index(after: mark)...].utf8.split(separator: UInt8(ascii: "&")).map { item in
            let parts = item.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            return (
                decode(parts[0], plusIsSpace: true), parts.count > 1 ? decode(parts[1], plusIsSpace: true) : ""
            )
        }
    }

    /// Splits the absolute form, which proxies are sent, into what it names.
    ///
    /// - Returns: `nil` when the target does not begin with `http://` or `https://` and an authority.
    static func absolute(_ target: String) -> (authority: String, target: String)? {
        let lowered = target.prefix(8).lowercased()
        let length = lowered.hasPrefix("http://") ? 7 : lowered == "https://" ? 8 : 0
        guard length > 0 else { return nil }
        let rest = target.dropFirst(length)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        guard end > rest.startIndex else { return nil }
        let tail = rest[end...]
        return (String(rest[..<end]), tail.first == "/" ? String(tail) : "/" + tail)
    }

    /// Decodes percent-encoding. What is not well encoded stays as it is.
    static func decode(_ bytes: some Collection<UInt8>, plusIsSpace: Bool = false) -> String {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = bytes.startIndex
        while index != bytes.endIndex {
            var byte = bytes[index]
            index = bytes.index(after: index)
            if byte == UInt8(ascii: "+"), plusIsSpace {
                byte = UInt8(ascii: " ")
            } else if byte == UInt8(ascii: "%"), let (value, next) = hexPair(bytes, at: index) {
                byte = value
                index = next
            }
            decoded.append(byte)
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    private static func hexPair<Bytes: Collection<UInt8>>(
        _ bytes: Bytes, at index: Bytes.Index
    ) -> (UInt8, Bytes.Index)? {
        guard index != bytes.endIndex, let high = HexText.value(bytes[index]) else { return nil }
        let second = bytes.index(after: index)
        guard second != bytes.endIndex, let low = HexText.value(bytes[second]) else { return nil }
        return (high << 4 | low, bytes.index(after: second))
    }
}
