import URLSafety
import UVHTTPClient

/// Addresses that are taken apart, put together, and taken apart again.
enum URLs {
    static func judge(_ input: [UInt8]) throws {
        let text = String(decoding: input, as: UTF8.self)
        guard let url = try? SafeURL.parse(text) else {
            try require(
                text.utf8.count > SafeURL.maximumLength || ClientURL(text) == nil, "refused, but called: \(text)")
            return
        }
        try require(text.utf8.count <= SafeURL.maximumLength, "longer than allowed")
        try isPlain(url)
        // Escapes make it longer.
        let again = try require(
            try? SafeURL.parse(url.absoluteString, upTo: .max), "not read again: \(url.absoluteString)")
        try require(again == url, "\(text) became \(again.absoluteString)")
        try isCalledThere(url, text)
    }

    /// Nothing that a reader of the request line or of the host field could take for something else.
    private static func isPlain(_ url: SafeURL) throws {
        try require(url.port > 0, "no port")
        try require(url.target.hasPrefix("/"), "a target that is no path: \(url.target)")
        try require(url.target.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x23 }, "target: \(url.target)")
        let host = url.hostText
        try require(host == host.lowercased(), "host: \(host)")
        try require(host.utf8.allSatisfy { $0 < 0x80 && !"/?#@\\% ".utf8.contains($0) }, "host: \(host)")
        if case .address(let bytes) = url.host { try require([4, 16].contains(bytes.count), "\(bytes.count) bytes") }
    }

    /// What was checked is what is called, and the verdict does not depend on the spelling.
    private static func isCalledThere(_ url: SafeURL, _ text: String) throws {
        let called = try require(ClientURL(text), "accepted, but not called: \(text)")
        try require(called.authority == url.authority, "\(url.authority) is called \(called.authority)")
        try require(called.port == url.port && called.target == url.target, "another place: \(called)")
        if case .address = url.host { try require(called.address != nil, "an address is called by name: \(called)") }
        let policy = AddressPolicy(mode: DeploymentMode(environment: [:]), purpose: .registration)
        let again = ClientURL("\(called)")
        try require(again == called, "\(called) became \(String(describing: again))")
        guard case .decided(let verdict) = policy.verdict(for: url) else { return }
        let other = (try? SafeURL.parse(url.absoluteString, upTo: .max)).map { policy.verdict(for: $0) }
        try require(other == .decided(verdict), "another verdict for \(url.absoluteString)")
    }
}
