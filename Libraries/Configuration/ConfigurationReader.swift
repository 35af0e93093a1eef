/// Reads typed values from the environment and collects all problems, so that one start reports all of them.
///
/// A value that cannot be used is replaced by its default, or by an empty one, and noted; ``finish()`` throws when
/// anything was noted. An empty variable counts as not set.
///
/// Used by one thread, while a program starts.
package final class ConfigurationReader {
    private let environment: [String: String]
    /// Every variable read so far, in that order.
    package private(set) var keys: [ConfigurationKey] = []
    /// The problems found so far.
    package private(set) var problems: [ConfigurationProblem] = []
    /// Values that were replaced by their default without being refused; logged when a service starts.
    package private(set) var warnings: [ConfigurationProblem] = []

    /// - Parameter environment: names and values, as `ProcessInfo.processInfo.environment` gives them.
    package init(environment: [String: String]) {
        self.environment = environment
    }

    /// Throws when any value so far is missing or cannot be used.
    package func finish() throws(ConfigurationError) {
        if !problems.isEmpty { throw ConfigurationError(problems: problems) }
    }

    /// Whether a variable has a value, without reading it.
    package func isSet(_ name: String) -> Bool { environment[name]?.isEmpty == false }

    /// Records a violated rule between several values, under the name of the one to change.
    package func problem(_ name: String, expected: String) {
        problems.append(problemOfRead(name, expected))
    }

    /// Records a value that was read as a text and means nothing: its default was taken.
    package func warning(_ name: String, expected: String) {
        warnings.append(problemOfRead(name, expected))
    }

    private func problemOfRead(_ name: String, _ expected: String) -> ConfigurationProblem {
        let key = keys.last { $0.name == name }
        return ConfigurationProblem(
            name: name, shownValue: key?.source == .environment ? key?.shownValue : nil, expected: expected,
            defaultText: key?.defaultText)
    }

    /// How a kind of value is described, read and written.
    struct Kind<Value> {
        let expected: String
        let parse: (String) -> Value?
        var show: (Value) -> String = { "\($0)" }
        /// What is shown of a text that could not be parsed.
        var mask: (String) -> String = { $0 }
    }

    /// Reads a value that has a default.
    ///
    /// - Parameter isLenient: take the default for a bad value and warn, rather than refuse to start.
    func read<Value>(
        _ name: String, _ kind: Kind<Value>, default fallback: Value, secret: Bool = false, isLenient: Bool = false,
        _ help: String
    ) -> Value {
        readIfSet(name, kind, default: fallback, secret: secret, isLenient: isLenient, help) ?? fallback
    }

    /// Reads a value; nil when it is not set or cannot be used.
    func readIfSet<Value>(
        _ name: String, _ kind: Kind<Value>, default fallback: Value?, secret: Bool = false, isLenient: Bool = false,
        _ help: String
    ) -> Value? {
        let text = environment[name].flatMap { $0.isEmpty ? nil : $0 }
        let value = text.flatMap(kind.parse)
        let defaultText = fallback.map(kind.show)
        if value == nil, let text {
            let problem = ConfigurationProblem(
                name: name, shownValue: secret ? masked(text) : kind.mask(text), expected: kind.expected,
                defaultText: defaultText)
            if isLenient { warnings.append(problem) } else { problems.append(problem) }
        }
        let shown = (value ?? fallback).map { secret && value != nil ? masked(text ?? "") : kind.show($0) }
        keys.append(
            ConfigurationKey(
                name: name, expected: kind.expected, defaultText: defaultText, isSecret: secret, help: help,
                shownValue: shown ?? "",
                source: value != nil ? .environment : fallback != nil ? .default : .none))
        return value
    }
}

/// Shows that a secret is set and how long it is, which is enough to notice a truncated one.
private func masked(_ secret: String) -> String { "*** (\(secret.count) characters)" }
