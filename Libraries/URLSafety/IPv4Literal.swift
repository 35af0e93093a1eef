/// IPv4 addresses as `inet_aton` and browsers read them: `127.1`, `0x7f000001`, `017700000001` and `2130706433` are all
/// 127.0.0.1, so that a filter that knows only dotted decimals is easily passed by.
enum IPv4Literal {
    /// Whether a host is meant as an address: its last label is a number, of whatever size.
    static func isNumeric(_ host: String) -> Bool {
        guard let last = host.split(separator: ".", omittingEmptySubsequences: false).last else { return false }
        let digits = last.lowercased().utf8
        if digits.starts(with: "0x".utf8) { return digits.dropFirst(2).allSatisfy(isHexadecimal) }
        return digits.allSatisfy { (0x30...0x39).contains($0) }
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    /// The four bytes of an address in any of its spellings, nil when it is none.
    static func parse(_ host: String) -> [UInt8]? {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...4).contains(parts.count) else { return nil }
        var value: UInt64 = 0
        for (index, part) in parts.enumerated() {
            guard let number = number(part) else { return nil }
            // The last part fills all the bytes that are left.
            let bits = index == parts.count - 1 ? UInt64(8 * (5 - parts.count)) : 8
            guard number < 1 << bits else { return nil }
            value = value << bits | number
        }
        return (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * UInt64($0))) }
    }

    /// Four decimal numbers without leading zeros: the only form inside an IPv6 address.
    static func parseStrict(_ text: some StringProtocol) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            let isDecimal = part.utf8.allSatisfy { (0x30...0x39).contains($0) }
            guard isDecimal, part == "0" || part.first != "0", let byte = UInt8(part) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    /// Dotted decimals.
    static func text(_ bytes: some Collection<UInt8>) -> String {
        bytes.map(String.init).joined(separator: ".")
    }

    /// Decimal, octal with a leading 0, or hexadecimal with a leading 0x.
    private static func number(_ part: Substring) -> UInt64? {
        let lower = part.lowercased()
        let (digits, radix): (Substring, Int) =
            lower.hasPrefix("0x") ? (lower.dropFirst(2), 16) : lower.hasPrefix("0") ? (lower[...], 8) : (lower[...], 10)
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }) else {
            return nil
        }
        return UInt64(digits, radix: radix)
    }
}
