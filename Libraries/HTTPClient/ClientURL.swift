import EventLoop

/// The parts of a URL that a call needs, taken apart once.
///
/// Stricter than RFC 3986: ASCII only, nothing that could break out of the request line, no user info.
package struct ClientURL: Sendable, Hashable, CustomStringConvertible {
    package enum Scheme: String, Sendable, Hashable {
        case http, https

        package var defaultPort: UInt16 { self == .http ? 80 : 443 }
    }

    /// Everything but the target, behind one reference: each call passes its URL on several times.
    private final class Place: Sendable, Hashable {
        let scheme: Scheme
        let host: String
        let port: UInt16
        let authority: String
        let address: SocketAddress?

        init(scheme: Scheme, host: String, port: UInt16, authority: String, address: SocketAddress?) {
            self.scheme = scheme
            self.host = host
            self.port = port
            self.authority = authority
            self.address = address
        }

        static func == (left: Place, right: Place) -> Bool {
            left.scheme == right.scheme && left.host == right.host && left.port == right.port
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(host)
            hasher.combine(port)
        }
    }

    private let place: Place
    /// Path and query, as they stand in the request line.
    package var target: String

    package var scheme: Scheme { place.scheme }
    /// Lower-case; an IPv6 address without its brackets.
    package var host: String { place.host }
    package var port: UInt16 { place.port }
    /// What the `Host` field says: without the port when it is the scheme's own.
    package var authority: String { place.authority }
    /// The host as an address, when it is one.
    package var address: SocketAddress? { place.address }

    /// - Returns: `nil` when the text is not an absolute http or https URL, or names a user.
    package init?(_ text: String) {
        guard let separator = Self.firstIndex(of: "://", in: text) else { return nil }
        guard let scheme = Scheme(rawValue: text[..<separator].lowercased()) else { return nil }
        let rest = text.utf8[text.utf8.index(separator, offsetBy: 3)...]
        guard rest.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "\\") }) else { return nil }
        let end = rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }
        let authority = rest[..<(end ?? rest.endIndex)]
        guard let (host, port) = Self.split(authority, scheme) else { return nil }
        let address = SocketAddress(ip: host, port: port)
        guard !host.contains(":") || address != nil else { return nil }
        let bracketed = host.contains(":") ? "[\(host)]" : host
        place = Place(
            scheme: scheme, host: host, port: port,
            authority: port == scheme.defaultPort ? bracketed : "\(bracketed):\(port)", address: address)
        target = Self.target(rest[(end ?? rest.endIndex)...])
    }

    /// The same place with another path and query, which begin with a slash.
    package func with(target: String) -> ClientURL {
        var copy = self
        copy.target = target
        return copy
    }

    package var description: String { "\(scheme.rawValue)://\(authority)\(target)" }

    private static func firstIndex(of needle: String, in text: String) -> String.Index? {
        var index = text.utf8.startIndex
        while index < text.utf8.endIndex {
            if text.utf8[index...].starts(with: needle.utf8) { return index }
            index = text.utf8.index(after: index)
        }
        return nil
    }

    private static func split(_ authority: Substring.UTF8View, _ scheme: Scheme) -> (String, UInt16)? {
        let host: Substring.UTF8View
        var rest: Substring.UTF8View
        if authority.first == UInt8(ascii: "[") {
            guard let end = authority.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            host = authority[authority.index(after: authority.startIndex)..<end]
            guard host.contains(UInt8(ascii: ":")) else { return nil }
            rest = authority[authority.index(after: end)...]
        } else {
            let end = authority.firstIndex(of: UInt8(ascii: ":")) ?? authority.endIndex
            host = authority[..<end]
            rest = authority[end...]
            guard host.allSatisfy(isNameByte) else { return nil }
        }
        guard !host.isEmpty else { return nil }
        let separator = rest.popFirst()
        guard separator == nil || separator == UInt8(ascii: ":") else { return nil }
        // A colon with nothing after it is the default port, too (RFC 3986, 3.2.3).
        if rest.isEmpty { return (Substring(host).lowercased(), scheme.defaultPort) }
        guard rest.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }), let port = UInt16(Substring(rest)), port > 0 else {
            return nil
        }
        return (Substring(host).lowercased(), port)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    private static func target(_ rest: Substring.UTF8View) -> String {
        let end = rest.firstIndex(of: UInt8(ascii: "#")) ?? rest.endIndex
        let target = String(Substring(rest[..<end]))
        return target.utf8.first == UInt8(ascii: "/") ? target : "/" + target
    }
}
