/// The first part of a message, up to the empty line.
package struct HTTPMessageHead: Sendable {
    /// The request's method; `GET` in a response.
    package var method: HTTPMethod = .get
    /// The request's target as it was sent; empty in a response.
    package var target: String = ""
    /// The response's status; 0 in a request.
    package var status: HTTPStatus = 0
    /// 1 for HTTP/1.1, 0 for HTTP/1.0; other versions are refused by the parser.
    package var minorVersion = 1
    package var headers = HTTPHeaders()
    /// The declared length of the body in bytes; `nil` when none was declared.
    package var contentLength: UInt64?
    /// The body comes in chunks.
    package var isChunked = false
    /// What version and `Connection` say about further messages. A response whose body ends with the connection is
    /// `false` as well.
    package var keepAlive = true
    /// `Connection: upgrade` with an `Upgrade` field, or a `CONNECT` request.
    package var wantsUpgrade = false

    package init() {}

    /// A body follows. Of a response this is the framing only: one to `HEAD`, 1xx, 204 and 304 have none.
    package var declaresBody: Bool {
        isChunked || (contentLength ?? 0) > 0
    }
}
