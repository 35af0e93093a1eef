import Contracts
import Foundation
import HTTPCore
import UVHTTPServer

extension Request {
    /// An id in the path.
    ///
    /// - Parameters:
    ///   - name: of the path's parameter.
    ///   - message: the error's message when the parameter is no id.
    /// - Throws: `APIError` 400.
    package func uuid(_ name: String, orError message: String = "invalid id") throws(APIError) -> UUID {
        guard let text = parameters[name], let id = UUID(canonical: text) else {
            throw APIError(.badRequest, message, field: name, reason: "must be a UUID")
        }
        return id
    }
}
