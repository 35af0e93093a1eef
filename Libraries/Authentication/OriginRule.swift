/// Whether a page may change something with the console's cookie: it must be one of ours, and say so. Browsers send the
/// cookie along whoever made the request; they let no page write its own `Origin`.
struct OriginRule: Sendable {
    /// Of `PLATFORM_URL`, where that is set: what stands before us may speak TLS and not tell.
    private let platform: String?

    /// - Parameter platformURL: where clients reach the platform.
    init(platformURL: String?) {
        platform = platformURL.flatMap(Self.origin(ofURL:))
    }

    /// - Parameters:
    ///   - origin: as the request's field has it; `null` is nobody's.
    ///   - host: the request's own, with its port where it has one.
    ///   - isSecure: the client came over TLS.
    func allows(_ origin: String?, host: String?, isSecure: Bool) -> Bool {
        guard let origin = origin.flatMap(Self.origin(ofURL:)) else { return false }
        if origin == platform { return true }
        guard let host, !host.isEmpty else { return false }
        return origin == Self.origin(ofURL: "\(isSecure ? "https" : "http")://\(host)")
    }

    /// Scheme, host and port of a URL, in lower case, without the port that goes without saying; nil for other schemes.
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
