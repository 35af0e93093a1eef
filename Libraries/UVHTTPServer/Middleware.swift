import HTTPCore

/// Something that stands before the handlers of all routes, such as authentication. The server's own concerns (ids,
/// limits, CORS, metrics, errors) are not middleware: they are one straight line in the connection.
package protocol Middleware: Sendable {
    /// Responds itself, or calls `next` and may change the response. Errors that it throws are treated like a handler's.
    func handle(_ request: Request, next: (Request) async throws -> Response) async throws -> Response
}

/// Decides by a request's head alone whether it is admitted: `nil`, or the response that it gets instead. Runs on the
/// connection's loop before the response depends on a route, so that a client that is not admitted learns nothing of the
/// routes either.
package typealias Admission = @Sendable (HTTPMessageHead) -> Response?

extension [any Middleware] {
    /// The first of the list is the outermost.
    func around(_ handler: @escaping Handler) -> Handler {
        reversed().reduce(handler) { inner, middleware in
            { request in try await middleware.handle(request, next: inner) }
        }
    }
}
