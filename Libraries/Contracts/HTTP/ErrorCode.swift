/// The values of `code` in an error body.
public enum ErrorCode: String, Codable, Hashable, Sendable, CaseIterable {
    /// Postgres cannot be reached; retryable.
    case platformUnavailable = "platform_unavailable"
    /// The body is larger than allowed.
    case payloadTooLarge = "payload_too_large"
    /// The client made too many requests.
    case rateLimited = "rate_limited"
    /// The address of a workspace must not be called, such as a private one.
    case unsafeURL = "unsafe_url"
    /// The same `Idempotency-Key` was sent with another body.
    case idempotencyConflict = "idempotency_conflict"
    /// The first request with this `Idempotency-Key` is still running.
    case idempotencyInProgress = "idempotency_in_progress"
}
