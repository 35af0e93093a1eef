import NetworkAddresses

/// An `http` or `https` address taken apart by strict rules, so that what is checked is what is called.
///
/// Parsing says nothing about where the address leads: that is ``AddressPolicy``'s verdict on the literal here, and
/// on every address that a name resolves to.
package struct SafeURL: Hashable, Sendable {
    /// How the server is spoken to.
    package enum Scheme: String, Hashable, Sendable {
        case http
        case https

        /// The port when none is written.
        package var defaultPort: UInt16 { self == .http ? 80 : 443 }
    }

    /// Who the server is.
    package enum Host: Hashable, Sendable {
        /// A name, lower-case, without a trailing dot.
        case name(String)
        /// An address of 4 or 16 bytes, whatever its spelling was.
        case address([UInt8])
    }

    /// How the server is spoken to.
    package let scheme: Scheme
    /// Who the server is.
    package let host: Host
    /// Where it listens.
    package let port: UInt16
    /// What to ask it for: path and query, never empty, ASCII, without a fragment.
    package let target: String

    /// The host as a URL and a `Host` header have it: addresses in their canonical form, IPv6 in brackets.
    package var hostText: String {
        switch host {
        case .name(let name): name
        case .address(let bytes): Self.text(of: bytes)
        }
    }

    private static func text(of bytes: [UInt8]) -> String {
        guard let address = IPAddress(bytes: bytes) else { return "" }
        let text = address.description
        guard address.isIPv6 else { return text }
        // As browsers write them, in hexadecimal to the end, where the C library has the last four bytes in decimal.
        guard let colon = text.lastIndex(of: ":"), text[colon...].contains(".") else { return "[\(text)]" }
        let groups = [12, 14].map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }
        return "[\(text[...colon])\(groups.joined(separator: ":"))]"
    }

    /// Host and port, without the port when it is the scheme's own.
    package var authority: String {
        port == scheme.defaultPort ? hostText : "\(hostText):\(port)"
    }

    /// The whole address in canonical form.
    package var absoluteString: String { "\(scheme.rawValue)://\(authority)\(target)" }
}

/// Why a text is no address that we would call.
package enum SafeURLError: Error, Hashable, Sendable, CaseIterable {
    case empty
    case tooLong
    case forbiddenCharacter
    case unsupportedScheme
    case userInfo
    case missingHost
    case invalidHost
    case invalidPort

    /// A sentence for the `reason` of an error body.
    package var reason: String {
        switch self {
        case .empty: "is empty"
        case .tooLong: "is longer than \(SafeURL.maximumLength) bytes"
        case .forbiddenCharacter: "contains a space, a control character or a backslash"
        case .unsupportedScheme: "must begin with http:// or https://"
        case .userInfo: "must not contain a user name or password"
        case .missingHost: "has no host"
        case .invalidHost: "has a host that is neither a name nor an address"
        case .invalidPort: "has a port that is not between 1 and 65535"
        }
    }
}
