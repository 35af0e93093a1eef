/// Whether a page may change something with the console's cookie: its `Origin` must be the platform's. Browsers send
/// the cookie with requests of any page, and let no page set its own `Origin`.
struct OriginRule: Sendable {
    /// Of `PLATFORM_URL`, where that is set: a proxy may terminate TLS without a header that says so.
    private let platform: String?

    /// - Parameter platformURL: where clients reach the platform.
    init(platformURL: String?) {
        platform = platformURL.flatMap(Self.origin(ofURL:))
    }

    /// - Parameters:
    ///   - origin: the request's field; `null` is never allowed.
    ///   - host: the request's `Host` field, with its port where it has one.
    ///   - isSecure: the client came over TLS.
    func allows(_ origin: String?, host: String?, isSecure: Bool) -> Bool {
        guard let origin = origin.flatMap(Self.origin(ofURL:)) else { return false }
        if origin == platform { return true }
        guard let host, !host.isEmpty else { return false }
        return origin == Self.origin(ofURL: "\(isSecure ? "https" : "http")://\(host)")
    }

    /// Scheme, host and port of a URL, in lower case, without the default port; nil for other schemes.
    static func origin(ofURL url: String) -> String? {
        let url = url.lowercased()
        for (scheme, port) in [("http://", ":80"), ("https://", ":443")] where url.hasPrefix(scheme) {
            var authority = url.dropFirst(scheme.count).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            if authority.hasSuffix(port) { authority = authority.dropLast(port.count) }
            return authority.isEmpty || authority.contains("@") ? nil : scheme + authority
        }
        return nil
    }
}
