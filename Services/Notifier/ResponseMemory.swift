import Authentication
import Contracts
import HTTPCore
import PlatformInternals
import UVHTTPServer

/// The memory budget of large responses, reserved before they are read from the database and released once the client
/// has read them.
struct ResponseMemory: Sendable {
    /// How long a request waits for a reservation.
    private static let timeout: Duration = .seconds(5)

    private let quota: CallerQuota

    /// - Parameter bytes: for all callers; a workspace may have an eighth of it, an operator half.
    init(bytes: Int) {
        quota = CallerQuota(total: bytes) { caller in
            caller.isWorkspace ? bytes / 8 : bytes / 2
        }
    }

    /// Reserved bytes.
    var taken: Int { quota.taken }

    /// Reserves memory for a response, which retains the reservation.
    ///
    /// - Parameter bytes: the expected maximum of its size.
    /// - Throws: `APIError` 429 when the caller's unread responses exceed its share, 503 when those of all exceed the
    ///   budget.
    func reserve(_ bytes: Int, for request: Request) async throws -> Reservation {
        do {
            return try await quota.take(bytes, for: request.caller, within: Self.timeout, on: request.loop)
        } catch {
            throw error.apiError(ErrorMessage.tooManyResponses)
        }
    }
}

extension Request {
    /// The identity whose quota it counts against.
    var caller: Identity { context.identity as? Identity ?? .anonymous }
}

extension Identity {
    var isWorkspace: Bool {
        if case .workspace = self { true } else { false }
    }
}

extension CallerQuota.Refusal {
    /// The response to the client, with `Retry-After`.
    func apiError(_ message: String) -> APIError {
        switch self {
        case .caller: APIError(.tooManyRequests, message, retryAfter: 5)
        case .everyone: APIError(.serviceUnavailable, message, retryAfter: 5)
        }
    }
}
