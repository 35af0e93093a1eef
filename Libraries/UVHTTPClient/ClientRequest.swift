import Concurrency
import HTTPCore
import UVLoop

/// How long a call may go without activity, and who decides what happens then.
package struct IdleTimeout: Sendable {
    /// Asked when nothing came for the timeout, because life may have shown elsewhere.
    ///
    /// - Returns: how long to wait further, or `nil` to end the call with `idleTimeout`.
    package typealias Expiry = @Sendable () async -> Duration?

    let milliseconds: UInt64
    let onExpiry: Expiry?

    /// - Parameter duration: from the request's sending, or from the last byte of its response.
    package init(_ duration: Duration, onExpiry: Expiry? = nil) {
        milliseconds = duration.milliseconds
        self.onExpiry = onExpiry
    }
}

/// Whether a response is handed over as it arrives or as a whole.
package struct ResponseCollection: Sendable {
    /// Bytes of body beyond which the call fails with `tooLarge`.
    package var limit: Int
    /// Responses that are to be streamed all the same, for instance `text/event-stream`.
    package var except: (@Sendable (HTTPStatus, HTTPHeaders) -> Bool)?

    /// Collects up to so many bytes, apart from the exceptions.
    package init(upTo limit: Int, except: (@Sendable (HTTPStatus, HTTPHeaders) -> Bool)? = nil) {
        self.limit = limit
        self.except = except
    }
}

/// A request to be sent. `Host`, `Content-Length`, `Transfer-Encoding` and `Connection` are the client's business:
/// of these only a `Host` among the headers is taken from the caller.
package struct ClientRequest: Sendable {
    /// `GET` and so on.
    package var method: HTTPMethod
    /// Where it goes.
    package var url: ClientURL
    /// Its fields, apart from those that are the client's business.
    package var headers: HTTPHeaders
    /// Its body, which may be a stream.
    package var body: HTTPBody
    /// The length of a streamed body in bytes; without it the body is sent in chunks.
    package var contentLength: Int?
    /// Time for finding and opening a connection; `nil` is the client's default.
    package var connectTimeout: Duration?
    /// `nil` is the client's default.
    package var idleTimeout: IdleTimeout?
    /// A ceiling for the whole call, the response's body included; `nil` is none.
    package var totalTimeout: Duration?
    /// `nil` hands the response over at its head, with a streamed body unless it came in one piece.
    package var collection: ResponseCollection?
    /// A reused connection that was closed before any byte of a response is replaced by a fresh one, once. The peer may
    /// have closed it for its age, and then it saw nothing; but it may also have died over this request. Therefore only
    /// what may be done twice is repeated by default (RFC 9110, 9.2.2): no POST and no PATCH.
    package var retriesStaleConnection: Bool
    /// Fields that replace those of their names then, so that the peer can tell that this is not the first try.
    package var retryHeaders: HTTPHeaders = [:]
    /// Cancelling the task that sends it ends the call. Without, the call goes on to its response or its timeouts, and
    /// costs a little less.
    package var endsWithTask = true
    /// Calls of different classes never share connections: the address policy's verdict depends on the class.
    package var policyClass = 0
    /// Connects to this socket of the local machine instead of the URL's host. The address policy is not asked.
    package var unixSocketPath: String?

    /// A request with the defaults of its client.
    package init(_ method: HTTPMethod, _ url: ClientURL, headers: HTTPHeaders = [:], body: HTTPBody = .empty) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        retriesStaleConnection = method != .post && method != .patch
    }

    /// - Throws: `invalidRequest` when the URL is not an absolute http or https URL.
    package init(
        _ method: HTTPMethod, _ url: String, headers: HTTPHeaders = [:], body: HTTPBody = .empty
    ) throws(HTTPClientError) {
        guard let parsed = ClientURL(url) else { throw HTTPClientError(.invalidRequest, detail: "not a usable URL") }
        self.init(method, parsed, headers: headers, body: body)
    }

    /// The request as it goes out after a connection found dead.
    var sentAgain: ClientRequest {
        var request = self
        for field in retryHeaders {
            request.headers.remove(field.name)
            request.headers.add(field.name, field.value)
        }
        return request
    }
}
