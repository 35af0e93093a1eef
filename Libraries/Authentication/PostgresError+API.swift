import Contracts
import HTTPCore
import PlatformInternals
import Postgres
import UVHTTPServer

/// The response when Postgres is not available; every other error of the database is a fault of the platform.
extension PostgresError: APIErrorConvertible {
    package var apiError: APIError {
        switch kind {
        case .unavailable, .deadline, .closed: APIError.platformUnavailable
        // Another transaction holds a row for long: temporary.
        case .server where isLockTimeout: APIError.platformUnavailable
        default: APIError(.internalServerError, "internal error", detail: "\(self)")
        }
    }
}

extension APIError {
    /// The response to the agent of a removed workspace, so that it ends instead of retrying for ever.
    package static let workspaceRemoved = APIError(
        .gone, ErrorMessage.workspaceRemoved, members: [("deleted", .bool(true))])
}
