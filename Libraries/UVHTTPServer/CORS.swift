import HTTPCore

/// Which origins browsers may call from (the Fetch standard's CORS protocol).
struct CORS: Sendable {
    private let origins: Set<String>
    private let allowsAll: Bool

    init(_ origins: [String]) {
        self.origins = Set(origins)
        allowsAll = origins.contains("*")
    }

    /// Fields of every response to a request with an `Origin`, rendered.
    func headers(for origin: String) -> [UInt8] {
        guard allowsAll || origins.contains(origin) else { return Array("Vary: Origin\r\n".utf8) }
        let credentials = allowsAll ? "" : "Access-Control-Allow-Credentials: true\r\n"
        return Array(
            """
            Access-Control-Allow-Origin: \(origin)\r
            \(credentials)Access-Control-Expose-Headers: \(Self.exposed)\r
            Vary: Origin\r

            """.utf8)
    }

    /// The response to a preflight; `nil` when the request is none.
    func preflight(_ head: HTTPMessageHead, origin: String) -> Response? {
        guard head.method == .options, head.headers.contains("Access-Control-Request-Method") else { return nil }
        guard allowsAll || origins.contains(origin) else { return .error(.forbidden, "origin not allowed") }
        return Response(
            .noContent,
            headers: HTTPHeaders([
                ("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
                ("Access-Control-Allow-Headers", Self.allowed), ("Access-Control-Max-Age", "600"),
            ]))
    }

    private static let allowed =
        "Authorization, Content-Type, If-None-Match, If-Range, Last-Event-ID, Idempotency-Key, Range, Traceparent, "
        + "X-Molecule-Org-Id, X-Request-Id, X-Timeout, X-Workspace-ID"
    private static let exposed =
        "Accept-Ranges, Content-Disposition, Content-Range, ETag, Idempotency-Replayed, Retry-After, X-Next-Before, "
        + "X-Next-Cursor, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-Id"
}
