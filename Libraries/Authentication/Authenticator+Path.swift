import Contracts
import Foundation
import PlatformInternals
import UVHTTPServer

extension Authenticator {
    /// An id that no workspace has: a path with an invalid one is for operators only.
    private static let nilUUID = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    /// As `workspace`, for the id in the path. The credential is checked before the id's syntax, so that an
    /// unauthorized caller learns nothing about the path.
    ///
    /// - Returns: the workspace, which may not exist.
    /// - Throws: `APIError` 401, 400 or 503.
    package func workspace(inPathOf request: Request) async throws -> UUID {
        try await workspace(UUID(canonical: request.parameters["id"] ?? "") ?? Self.nilUUID, request)
        return try request.uuid("id", orError: ErrorMessage.invalidWorkspaceID)
    }
}
