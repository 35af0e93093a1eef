import Contracts
import Foundation
import HTTPServer

extension Authenticator {
    /// Nobody's id: a path without a proper one is shown to operators only.
    private static let nobody = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    /// As `workspace`, for the one whose id stands in the path: the credential is looked at before the id's syntax, so
    /// that who may not ask is not told what is wrong with the question.
    ///
    /// - Returns: the workspace, which may not exist.
    /// - Throws: `APIError` 401, 400 or 503.
    package func workspace(inPathOf request: Request) async throws -> UUID {
        try await workspace(UUID(canonical: request.parameters["id"] ?? "") ?? Self.nobody, request)
        return try request.uuid("id", orError: Sentence.invalidWorkspaceID)
    }
}
