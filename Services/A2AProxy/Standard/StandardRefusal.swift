import Contracts
import JSONBytes

/// Why a body is not a valid call of the protocol. Independent of the agent and of whether it is busy, since a queued
/// request must be valid when it is delivered.
package struct StandardRefusal: Sendable, Hashable {
    package let code: StandardAnswer.Code
    /// For the client's developer.
    package let sentence: String
    /// The path of the invalid member.
    package let field: String?

    init(_ code: StandardAnswer.Code, _ sentence: String, field: String? = nil) {
        self.code = code
        self.sentence = sentence
        self.field = field
    }

    /// A body that is not JSON, or is nested too deeply, which is not a parse error.
    init(_ error: JSONError) {
        self =
            error.kind == .tooDeep
            ? StandardRefusal(.invalidRequest, "JSON nested deeper than \(Limits.jsonDepth) levels")
            : StandardRefusal(.parseError, Sentence.invalidJSON)
    }

    static func parameter(_ field: String, _ reason: String) -> StandardRefusal {
        StandardRefusal(.invalidParams, "\(field) \(reason)", field: field)
    }
}
