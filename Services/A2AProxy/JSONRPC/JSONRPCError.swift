import Contracts
import JSONBytes
import PlatformInternals

/// Why a body is not a valid call of the protocol. Independent of the agent and of whether it is busy, since a queued
/// request must be valid when it is delivered.
package struct JSONRPCError: Sendable, Hashable {
    package let code: JSONRPCResponse.Code
    /// For the client's developer.
    package let message: String
    /// The path of the invalid member.
    package let field: String?

    init(_ code: JSONRPCResponse.Code, _ message: String, field: String? = nil) {
        self.code = code
        self.message = message
        self.field = field
    }

    /// A body that is not JSON, or is nested too deeply, which is not a parse error.
    init(_ error: JSONError) {
        self =
            error.kind == .tooDeep
            ? JSONRPCError(.invalidRequest, "JSON nested deeper than \(Limits.jsonDepth) levels")
            : JSONRPCError(.parseError, ErrorMessage.invalidJSON)
    }

    static func parameter(_ field: String, _ reason: String) -> JSONRPCError {
        JSONRPCError(.invalidParams, "\(field) \(reason)", field: field)
    }
}
