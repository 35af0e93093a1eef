import Foundation
import HTTPCore
import UVLoop

/// A request as its handler sees it: read, validated and routed.
package struct Request: Sendable {
    package var method: HTTPMethod
    /// The target of the request line, e.g. `/a/b?c=d`.
    package let target: String
    /// The target's path as it was sent, percent-encoding included.
    package let path: String
    package var headers: HTTPHeaders
    /// There already, or still arriving: `body.collect(upTo:)` takes both. Longer than the route's limit it throws.
    package var body: HTTPBody
    /// The other end of the connection, which may be a proxy; see `RequestContext.clientIP`.
    package let peer: SocketAddress?
    /// The loop the handler runs on.
    package let loop: EventLoop
    /// What stood at the template's `{...}`, decoded.
    package var parameters: PathParameters
    /// Shared by middleware, handler and log.
    package let context: RequestContext

    /// Made by the server; by hand in tests of handlers.
    package init(
        method: HTTPMethod, target: String, headers: HTTPHeaders = [:], body: HTTPBody = .empty,
        peer: SocketAddress? = nil, loop: EventLoop, parameters: PathParameters = PathParameters(),
        context: RequestContext = RequestContext(requestID: "none")
    ) {
        self.method = method
        self.target = target
        self.path = RequestTarget.path(of: target)
        self.headers = headers
        self.body = body
        self.peer = peer
        self.loop = loop
        self.parameters = parameters
        self.context = context
    }

    /// The first value of a query parameter, decoded; `nil` when it is absent, "" when it has no value.
    package func query(_ name: String) -> String? {
        queryItems.first { $0.name == name }?.value
    }

    /// The query's parameters in order, decoded (`+` is a space).
    package var queryItems: [(name: String, value: String)] {
        RequestTarget.queryItems(of: target)
    }

    /// The token of `Authorization: Bearer ...`.
    package var bearerToken: String? {
        headers.withValue(of: "authorization") { value in
            BearerToken.bytes(in: value).map { String(decoding: $0, as: UTF8.self) }
        } ?? nil
    }

    /// The console's session that the request's cookies have.
    package var sessionCookie: String? {
        headers.withValue(of: "cookie") { value in
            SessionCookie.bytes(in: value, isSecure: cameOverTLS).map { String(decoding: $0, as: UTF8.self) }
        } ?? nil
    }

    /// As a trusted proxy says or, where it does not, the origin of the page that made the request.
    package var cameOverTLS: Bool { context.isSecure || headers["origin"]?.hasPrefix("https://") == true }

    /// By its method it changes nothing (RFC 9110, 9.2.1).
    package var hasSafeMethod: Bool { method == .get || method == .head }

    /// It changes nothing, as its method or its route says: allowed for identities that may only read.
    package var isReading: Bool { context.options.isReading ?? hasSafeMethod }

    /// An operator's is kept in the audit log.
    package var isAudited: Bool { context.options.isAudited ?? !isReading }
}

/// The values at a template's `{...}`.
package struct PathParameters: Sendable {
    /// Shared by all requests of a route.
    let names: [String]
    /// In the order of the path.
    package let values: [String]

    package init() {
        names = []
        values = []
    }

    init(names: [String], values: [String]) {
        self.names = names
        self.values = values
    }

    package subscript(_ name: String) -> String? {
        names.firstIndex(of: name).map { values[$0] }
    }
}
