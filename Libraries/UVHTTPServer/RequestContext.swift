import Foundation
import Observability

/// What is known about a request beside its bytes.
///
/// `@unchecked Sendable`: the server fills it before the handler's task starts; afterwards only that task's middleware
/// and handler, one after another, touch it, and the server again when they are done.
package final class RequestContext: @unchecked Sendable {
    /// The client's `X-Request-Id` when it was a valid one, else a fresh one; every response carries it.
    package let requestID: String
    /// The matched route, e.g. `/workspaces/{id}/a2a`; "" when there was none.
    package internal(set) var route: String = ""
    /// Those of the matched route.
    package internal(set) var options = RouteOptions()
    /// The client's address: the peer's, or what a trusted proxy says.
    package internal(set) var clientIP: String = ""
    /// The client came over TLS, as a trusted proxy says.
    package internal(set) var isSecure = false
    /// The header as it came in; nil when it is none that can be read.
    package internal(set) var traceparent: String?
    /// Who the request comes from, as authentication found out.
    package var identity: (any Sendable)?
    /// The console's session that authenticated the request, where it was one. Browsers send it with requests that
    /// other sites make, too.
    package var session: UUID?
    /// SHA-256 of the token that the stream ticket was made from which let the request in, where it was one.
    package var ticketTokenHash: [UInt8]?
    /// The entry of the audit log that the response completes.
    package var auditEntry: Int64?
    /// What the request means to do or did, as a JSON object, for that entry.
    package var auditDetail: String?
    /// For the log.
    package var workspaceID: UUID?
    /// Further variables for the request's log lines.
    package var logMetadata: LogMetadata = [:]

    /// Nanoseconds on the monotonic clock.
    var startedAt: UInt64 = 0
    /// Where the response is counted.
    var metrics: RouteMetrics?
    /// What the client has left, for the response's fields.
    var rateLimit: RateLimiter.Decision?
    /// Set while the address has paid for a token that is not known to be good.
    var unverified: (limiter: RateLimiter, key: RateLimiter.Key, at: UInt64)?

    package init(requestID: String) {
        self.requestID = requestID
    }

    /// The bearer is a live token, whatever it may do here: from now on its requests are charged to it and no more to the
    /// address that it comes from.
    package func bearerVerified() {
        guard let (limiter, key, at) = unverified else { return }
        unverified = nil
        if let decision = limiter.verified(key, now: at) { rateLimit = decision }
    }

    /// Whether the bearer is a live token could not be found out. To be called for that alone, not for a refusal: the
    /// address gets its request back, so that clients see the reason (503) and not a limit.
    package func leaveBearerUndecided() {
        guard let (limiter, key, at) = unverified else { return }
        unverified = nil
        if let decision = limiter.undecided(key, now: at) { rateLimit = decision }
    }

    /// What a line about this request should carry.
    package var metadata: LogMetadata {
        var metadata: LogMetadata = [.requestID: .string(requestID), .route: .string(route)]
        if let workspaceID { metadata[.workspaceID] = .uuid(workspaceID) }
        if let trace = traceparent.flatMap(TraceContext.init(traceparent:)) {
            metadata[.traceID] = .string(trace.traceID)
        }
        metadata.merge(logMetadata)
        return metadata
    }
}
