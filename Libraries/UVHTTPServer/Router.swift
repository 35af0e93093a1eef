import HTTPCore

package typealias Handler = @Sendable (Request) async throws -> Response

/// What a route allows beyond the server's defaults.
package struct RouteOptions: Sendable {
    /// Bytes; `nil` for the server's default.
    package var maxBodyBytes: Int?
    package var rateLimit: RateLimitClass
    /// The handler reads the body while it arrives; otherwise the server waits for small bodies first.
    package var streamsBody: Bool
    /// The path with a slash behind it is the same route.
    package var takesTrailingSlash: Bool
    /// Whether it only reads, for whoever may only read; nil where the method says so. What reads secrets says that it
    /// does not.
    package var isReading: Bool?
    /// Whether operators' requests are kept in the audit log; nil: all that do more than read.
    package var isAudited: Bool?

    package init(
        maxBodyBytes: Int? = nil, rateLimit: RateLimitClass = .standard, streamsBody: Bool = false,
        takesTrailingSlash: Bool = false, isReading: Bool? = nil, isAudited: Bool? = nil
    ) {
        self.maxBodyBytes = maxBodyBytes
        self.rateLimit = rateLimit
        self.streamsBody = streamsBody
        self.takesTrailingSlash = takesTrailingSlash
        self.isReading = isReading
        self.isAudited = isAudited
    }
}

/// One entry of a service's table.
package struct Route: Sendable {
    package let method: HTTPMethod
    /// E.g. `/workspaces/{id}/a2a`.
    package let template: String
    package let options: RouteOptions
    package let handler: Handler
}

/// The table of a service's routes. A literal segment beats a parameter; `HEAD` is served by `GET`.
package struct Router: Sendable {
    package private(set) var routes: [Route] = []

    package init() {}

    /// Adds a route.
    ///
    /// - Parameters:
    ///   - template: begins with `/`; a segment in braces is a parameter. A method and template may be given once.
    ///   - handler: runs on the connection's loop.
    package mutating func on(
        _ method: HTTPMethod, _ template: String, options: RouteOptions = RouteOptions(),
        _ handler: @escaping Handler
    ) {
        precondition(template.hasPrefix("/"), "a template begins with a slash")
        precondition(
            !routes.contains { $0.method == method && $0.template == template }, "two routes for \(method) \(template)")
        routes.append(Route(method: method, template: template, options: options, handler: handler))
    }
}
