/// IPv6 addresses as between a URL's brackets.
enum IPv6Literal {
    /// The 16 bytes of an address, nil when it is none. Zones (`%eth0`) are refused: they name our own interfaces.
    static func parse(_ text: Substring) -> [UInt8]? {
        let halves = split(text)
        guard let head = groups(halves.head, mayEndInIPv4: halves.tail == nil) else { return nil }
        guard let tailText = halves.tail else { return head.count == 16 ? head : nil }
        guard let tail = groups(tailText, mayEndInIPv4: true), head.count + tail.count <= 14 else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    /// The canonical text of RFC 5952: lower-case, the longest run of zeros (of at least two groups) left out.
    static func text(_ bytes: [UInt8]) -> String {
        let groups = (0..<8).map { UInt16(bytes[2 * $0]) << 8 | UInt16(bytes[2 * $0 + 1]) }
        func join(_ groups: some Sequence<UInt16>) -> String {
            groups.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard let zeros = longestZeros(groups) else { return join(groups) }
        return join(groups[..<zeros.lowerBound]) + "::" + join(groups[zeros.upperBound...])
    }

    /// The text before and behind the first `::`; no tail when there is none.
    private static func split(_ text: Substring) -> (head: Substring, tail: Substring?) {
        var previous: Substring.Index?
        for index in text.indices where text[index] == ":" {
            if let previous, text.index(after: previous) == index {
                return (text[..<previous], text[text.index(after: index)...])
            }
            previous = index
        }
        return (text, nil)
    }

    private static func groups(_ text: Substring, mayEndInIPv4: Bool) -> [UInt8]? {
        if text.isEmpty { return [] }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        var bytes: [UInt8] = []
        for (index, part) in parts.enumerated() {
            if mayEndInIPv4, index == parts.count - 1, part.contains(".") {
                guard let embedded = IPv4Literal.parseStrict(part) else { return nil }
                bytes += embedded
            } else {
                guard (1...4).contains(part.utf8.count), part.first != "+", part.first != "-",
                    let group = UInt16(part, radix: 16)
                else { return nil }
                bytes += [UInt8(group >> 8), UInt8(group & 0xFF)]
            }
        }
        return bytes.count <= 16 ? bytes : nil
    }

    private static func longestZeros(_ groups: [UInt16]) -> Range<Int>? {
        var best: Range<Int>?
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            if end - start >= 2, end - start > (best?.count ?? 0) { best = start..<end }
            start = max(end, start + 1)
        }
        return best
    }
}
