import Contracts
import HTTPCore
import HTTPServer
import PostgresClient

/// What a client is told when the system of record cannot answer; anything else the database says is our own mistake.
extension PostgresError: APIErrorConvertible {
    package var apiError: APIError {
        switch kind {
        case .unavailable, .deadline, .closed: APIError.platformUnavailable
        // Somebody holds a row for long: no mistake of ours, and over sooner or later.
        case .server where isLockTimeout: APIError.platformUnavailable
        default: APIError(.internalServerError, "internal error", detail: "\(self)")
        }
    }
}

extension APIError {
    /// What the agent of a removed workspace is told, so that it ends instead of trying for ever.
    package static let workspaceRemoved = APIError(
        .gone, Sentence.workspaceRemoved, members: [("deleted", .bool(true))])
}
