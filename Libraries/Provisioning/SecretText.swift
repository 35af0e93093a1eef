import Foundation

/// Secrets to redact in logs, since a backend may quote them in its errors.
struct SecretText: Sendable {
    private let secrets: [String]

    /// Nothing to hide.
    static let none = SecretText([String]())

    /// The secrets of a specification: the token and all values of the environment.
    init(_ specification: WorkspaceSpecification, and more: [String?] = []) {
        self.init([specification.token] + specification.environment.values + more.compactMap { $0 })
    }

    /// The texts that are not nil.
    init(_ texts: [String?]) { self.init(texts.compactMap { $0 }) }

    private init(_ texts: [String]) {
        // A key of many lines may be quoted line by line, or with its line breaks escaped.
        let all = texts.flatMap { text in
            [text, Self.escaped(text)] + text.split(whereSeparator: \.isNewline).map(String.init)
        }
        // Shorter ones are numbers and flags: redacting those would make messages unreadable.
        secrets = Set(all.filter { $0.utf8.count > 3 }).sorted { $0.utf8.count > $1.utf8.count }
    }

    /// The text with the secrets redacted.
    func redacted(from text: String) -> String {
        secrets.reduce(text) { $0.replacingOccurrences(of: $1, with: "***") }
    }

    /// As Go's `%q` and JSON write it between quotes.
    private static func escaped(_ text: String) -> String {
        [("\\", "\\\\"), ("\"", "\\\""), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")]
            .reduce(text) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
    }
}
