/// A value of a YAML document. What was aliased is shared, not copied.
package indirect enum YAMLValue: Sendable, Hashable {
    /// A text; `isPlain` when it stood there without quotes, so that it may mean a number or a truth value.
    case scalar(String, isPlain: Bool)
    case sequence([YAMLValue])
    /// Of several members with one name the last counts.
    case mapping([String: YAMLValue])

    package subscript(name: String) -> YAMLValue? {
        if case .mapping(let members) = self { members[name] } else { nil }
    }

    /// The text of a scalar that is not null.
    package var string: String? {
        guard case .scalar(let text, _) = self, !isNull else { return nil }
        return text
    }

    /// A whole number without quotes: `600`, `-3` or `600.0`.
    package var int: Int? {
        guard case .scalar(let text, true) = self else { return nil }
        return Int(text) ?? Double(text).flatMap { Int(exactly: $0) }
    }

    /// An empty value, `null` or `~`.
    package var isNull: Bool {
        guard case .scalar(let text, true) = self else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }
}

/// Why a YAML text is rejected.
package enum YAMLError: Error, Sendable, Hashable, CustomStringConvertible {
    /// - Parameters:
    ///   - problem: libyaml's words.
    ///   - line: counted from 1.
    case malformed(problem: String, line: Int)
    case tooLong(limit: Int)
    case tooDeep(limit: Int)
    /// With everything counted that aliases repeat.
    case tooManyValues(limit: Int)
    case unknownAlias

    package var description: String {
        switch self {
        case .malformed(let problem, let line): "line \(line): \(problem)"
        case .tooLong(let limit): "longer than \(limit) bytes"
        case .tooDeep(let limit): "nested deeper than \(limit)"
        case .tooManyValues(let limit): "more than \(limit) values"
        case .unknownAlias: "an alias of nothing"
        }
    }
}
