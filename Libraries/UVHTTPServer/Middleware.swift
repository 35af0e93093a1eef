import HTTPCore

/// Something that stands before the handlers of all routes, such as authentication. The server's own concerns (ids,
/// limits, CORS, metrics, errors) are not middleware: they are one straight line in the connection.
package protocol Middleware: Sendable {
    /// Answers itself, or passes on and may change the answer. Errors it throws are answered like a handler's.
    func handle(_ request: Request, next: (Request) async throws -> Response) async throws -> Response
}

/// Decides by a request's head alone whether it is let in at all: `nil`, or the answer that it gets instead. Runs on the
/// connection's loop before anything is looked up, so that what is not let in learns nothing of the routes either.
package typealias Admission = @Sendable (HTTPMessageHead) -> Response?

extension [any Middleware] {
    /// The first of the list is the outermost.
    func around(_ handler: @escaping Handler) -> Handler {
        reversed().reduce(handler) { inner, middleware in
            { request in try await middleware.handle(request, next: inner) }
        }
    }
}
