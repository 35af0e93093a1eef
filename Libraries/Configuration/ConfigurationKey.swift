/// One environment variable that a program reads: its meaning, and the value in effect.
package struct ConfigurationKey: Sendable, Hashable {
    /// Where a value came from.
    package enum Source: String, Sendable {
        case environment, `default`
        /// Not set, and there is no default.
        case none = "not set"
    }

    package let name: String
    /// What a value must be, as in `a whole number from 1 to 65535`.
    package let expected: String
    /// The default as it would be written in the environment; nil when there is none.
    package let defaultText: String?
    package let isSecret: Bool
    /// Its meaning, one sentence for the reference.
    package let help: String
    /// The value in effect, safe to print: secrets are masked.
    package let shownValue: String
    package let source: Source
}

/// A variable that cannot be used as it is.
package struct ConfigurationProblem: Sendable, Hashable, CustomStringConvertible {
    package let name: String
    /// The value that was found, masked when it is secret; nil when it is not set.
    package let shownValue: String?
    package let expected: String
    package let defaultText: String?

    package var description: String {
        let found = shownValue.map { "is \"\($0)\"" } ?? "is not set"
        return "\(name) \(found); expected \(expected) (\(defaultText.map { "default: \($0)" } ?? "no default"))"
    }
}

/// Everything that is wrong with the environment, in one message.
package struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    package let problems: [ConfigurationProblem]

    package var description: String {
        let count = problems.count == 1 ? "1 problem" : "\(problems.count) problems"
        return (["\(count) in the environment:"] + problems.map { "  \($0)" }).joined(separator: "\n")
    }
}
