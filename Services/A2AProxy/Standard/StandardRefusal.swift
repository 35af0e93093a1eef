import Contracts
import JSONBytes

/// Why a body is no call of the protocol. What is refused does not depend on the agent or on whether it is busy: what it
/// would be asked later, it must be able to understand.
package struct StandardRefusal: Sendable, Hashable {
    package let code: StandardAnswer.Code
    /// For the client's developer.
    package let sentence: String
    /// Where it is wrong.
    package let field: String?

    init(_ code: StandardAnswer.Code, _ sentence: String, field: String? = nil) {
        self.code = code
        self.sentence = sentence
        self.field = field
    }

    /// A body that is no JSON, or too deep a one, which is no fault of its spelling.
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
