import Authentication
import Contracts
import HTTPCore
import HTTPServer

/// The memory that long responses of all callers may take together, from before they are read from the database until
/// the client has taken them.
struct ResponseMemory: Sendable {
    /// How long a request waits for others to take theirs.
    private static let patience: Duration = .seconds(5)

    private let quota: CallerQuota

    /// - Parameter bytes: for all callers; a workspace may have an eighth of it, an operator half.
    init(bytes: Int) {
        quota = CallerQuota(total: bytes) { caller in
            caller.isWorkspace ? bytes / 8 : bytes / 2
        }
    }

    /// Bytes that responses hold now.
    var taken: Int { quota.taken }

    /// Takes memory for a response. The response retains it.
    ///
    /// - Parameter bytes: the most that it should come to.
    /// - Throws: `APIError` 429 when the caller has not read its other responses, 503 when nobody has.
    func reserve(_ bytes: Int, for request: Request) async throws -> Reservation {
        do {
            return try await quota.take(bytes, for: request.caller, within: Self.patience, on: request.loop)
        } catch {
            throw error.apiError(Sentence.tooManyResponses)
        }
    }
}

extension Request {
    /// Who is charged for it.
    var caller: Identity { context.identity as? Identity ?? .anonymous }
}

extension Identity {
    var isWorkspace: Bool {
        if case .workspace = self { true } else { false }
    }
}

extension CallerQuota.Refusal {
    /// What the client is told: it may try again soon.
    func apiError(_ sentence: String) -> APIError {
        switch self {
        case .caller: APIError(.tooManyRequests, sentence, retryAfter: 5)
        case .everyone: APIError(.serviceUnavailable, sentence, retryAfter: 5)
        }
    }
}
