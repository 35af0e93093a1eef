import NetworkAddresses
import URLSafety
import UVLoop

/// The parts of a URL that a call needs, taken apart once.
///
/// ``SafeURL`` takes it apart, as where an address is checked: what was accepted there is what is called here.
package struct ClientURL: Sendable, Hashable, CustomStringConvertible {
    /// How the server is spoken to.
    package enum Scheme: String, Sendable, Hashable {
        case http, https
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

    /// How the server is spoken to.
    package var scheme: Scheme { place.scheme }
    /// Lower-case; an IPv6 address without its brackets.
    package var host: String { place.host }
    /// The one that is written, or the scheme's own.
    package var port: UInt16 { place.port }
    /// What the `Host` field says: without the port when it is the scheme's own.
    package var authority: String { place.authority }
    /// The host as an address, when it is one.
    package var address: SocketAddress? { place.address }

    /// - Returns: `nil` when the text is not an absolute http or https URL, or names a user.
    package init?(_ text: String) {
        guard let url = try? SafeURL.parse(text, upTo: .max) else { return nil }
        self.init(url)
    }

    /// The URL that was checked.
    package init(_ url: SafeURL) {
        let address: SocketAddress?
        let host: String
        switch url.host {
        case .name(let name): (host, address) = (name, nil)
        case .address(let bytes):
            let text = url.hostText
            host = text.first == "[" ? String(text.dropFirst().dropLast()) : text
            address = IPAddress(bytes: bytes).map { SocketAddress($0, port: url.port) }
        }
        place = Place(
            scheme: url.scheme == .http ? .http : .https, host: host, port: url.port, authority: url.authority,
            address: address)
        target = url.target
    }

    /// The same place with another path and query, which begin with a slash.
    package func with(target: String) -> ClientURL {
        var copy = self
        copy.target = target
        return copy
    }

    /// The whole URL in canonical form.
    package var description: String { "\(scheme.rawValue)://\(authority)\(target)" }
}
