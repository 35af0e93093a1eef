import NetworkAddresses

extension SafeURL {
    /// The longest text that is looked at, in bytes.
    package static let maximumLength = 2048

    /// Takes an address apart.
    ///
    /// Stricter than a browser: nothing is trimmed, repaired or guessed, and non-ASCII host names must come in their
    /// `xn--` form, since two readers of the same confusable letters may see two hosts.
    /// - Parameter length: bytes that it may have; ``maximumLength`` for what others give to be kept.
    /// - Throws: ``SafeURLError`` naming the first thing that is wrong.
    package static func parse(
        _ text: String, upTo length: Int = maximumLength
    ) throws(SafeURLError) -> SafeURL {
        guard !text.isEmpty else { throw .empty }
        guard text.utf8.count <= length else { throw .tooLong }
        guard !text.unicodeScalars.contains(where: isForbidden) else { throw .forbiddenCharacter }
        let (scheme, rest) = try splitScheme(text)
        let end = authorityEnd(of: rest)
        let authority = rest[..<end]
        guard !authority.utf8.contains(UInt8(ascii: "@")) else { throw .userInfo }
        let (host, port) = try splitPort(authority)
        return SafeURL(
            scheme: scheme, host: try parseHost(host), port: try port.map(parsePort) ?? scheme.defaultPort,
            target: target(rest[end...]))
    }

    /// By bytes, but not where a mark that joins with a delimiter might hide it from some reader.
    private static func authorityEnd(of rest: Substring) -> Substring.Index {
        guard rest.utf8.allSatisfy({ $0 < 0x80 }) else {
            return rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        }
        return rest.utf8.firstIndex { "/?#".utf8.contains($0) } ?? rest.endIndex
    }

    /// Reads a host: a bracketed IPv6 address, any spelling of an IPv4 address, or a name.
    static func parseHost(_ text: Substring) throws(SafeURLError) -> Host {
        guard !text.isEmpty else { throw .missingHost }
        // Before any change of case: the Kelvin sign is a k in lower case.
        guard text.utf8.allSatisfy({ $0 < 0x80 }) else { throw .invalidHost }
        if text.first == "[" {
            // Zones (`%eth0`), which name our own interfaces, are no part of an address.
            guard text.last == "]", let address = IPAddress(String(text.dropFirst().dropLast())), address.isIPv6 else {
                throw .invalidHost
            }
            return .address(address.bytes)
        }
        let name = (text.last == "." ? text.dropLast() : text).lowercased()
        guard isName(name) else { throw .invalidHost }
        guard isNumeric(name) else { return .name(name) }
        // A filter that knew dotted decimals only would be passed by with any other spelling.
        guard let address = IPAddress(anySpellingOfIPv4: name) else { throw .invalidHost }
        return .address(address.bytes)
    }

    /// Whether a host is meant as an IPv4 address: its last label is a number, of whatever size.
    private static func isNumeric(_ name: String) -> Bool {
        let last = name.utf8.reversed().prefix { $0 != UInt8(ascii: ".") }.reversed()
        if last.starts(with: "0x".utf8) { return last.dropFirst(2).allSatisfy(isHexadecimal) }
        return last.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// - Parameter byte: of a text in lower case.
    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }

    private static func splitScheme(_ text: String) throws(SafeURLError) -> (Scheme, Substring) {
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
            let scheme = Scheme(rawValue: text[..<colon].lowercased())
        else { throw .unsupportedScheme }
        let rest = text[text.utf8.index(after: colon)...]
        guard rest.utf8.starts(with: "//".utf8) else { throw .unsupportedScheme }
        return (scheme, rest[rest.utf8.index(rest.startIndex, offsetBy: 2)...])
    }

    /// Splits at the colon behind the host, which for an IPv6 address is the one behind its bracket.
    private static func splitPort(_ authority: Substring) throws(SafeURLError) -> (Substring, Substring?) {
        let hostEnd: Substring.Index
        if authority.utf8.first == UInt8(ascii: "[") {
            guard let bracket = authority.firstIndex(of: "]") else { throw .invalidHost }
            hostEnd = authority.index(after: bracket)
        } else {
            hostEnd = authority.utf8.firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
        }
        let rest = authority[hostEnd...]
        if rest.isEmpty { return (authority[..<hostEnd], nil) }
        guard rest.utf8.first == UInt8(ascii: ":") else { throw .invalidHost }
        return (authority[..<hostEnd], rest[rest.utf8.index(after: rest.startIndex)...])
    }

    private static func parsePort(_ text: Substring) throws(SafeURLError) -> UInt16 {
        let isDecimal = !text.isEmpty && text.utf8.count <= 5 && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isDecimal, let port = UInt16(text), port > 0 else { throw .invalidPort }
        return port
    }

    /// Letters, digits, hyphens and underscores (containers have those) in labels of 1 to 63, 253 in all.
    private static func isName(_ name: String) -> Bool {
        guard !name.isEmpty, name.utf8.count <= 253 else { return false }
        return name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.count) && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                        UInt8(ascii: "-"), UInt8(ascii: "_"):
                        true
                    default: false
                    }
                }
        }
    }

    private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value <= 0x20 || scalar == "\\" || scalar.value == 0x7F }
        return scalar.properties.isWhitespace || scalar.properties.generalCategory == .control
            || scalar.properties.generalCategory == .format
    }

    private static func staysAsItIs(_ byte: UInt8) -> Bool { byte < 0x7F && !"\"<>^`{|}".utf8.contains(byte) }

    /// Path and query as a request line has them.
    private static func target(_ rest: Substring) -> String {
        let path = rest.utf8.prefix { $0 != UInt8(ascii: "#") }
        var target = path.first == UInt8(ascii: "/") ? "" : "/"
        if path.allSatisfy(staysAsItIs) { return target + String(Substring(path)) }
        for byte in path {
            if staysAsItIs(byte) {
                target.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                target += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return target
    }
}
