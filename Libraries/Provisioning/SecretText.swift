import Foundation

/// Texts that must not get into a log, though the other side may quote them.
struct SecretText: Sendable {
    private let secrets: [String]

    /// Nothing to hide.
    static let none = SecretText([String]())

    /// Everything in a specification that is nobody's business: the token and all values of the environment.
    init(_ specification: WorkspaceSpecification, and more: [String?] = []) {
        self.init([specification.token] + specification.environment.values + more.compactMap { $0 })
    }

    /// Those of these that are there.
    init(_ texts: [String?]) { self.init(texts.compactMap { $0 }) }

    private init(_ texts: [String]) {
        // A key of many lines may come back line by line, or quoted with its line breaks written out.
        let all = texts.flatMap { text in
            [text, Self.escaped(text)] + text.split(whereSeparator: \.isNewline).map(String.init)
        }
        // Shorter ones are numbers and flags: striking those out would leave nothing of a sentence.
        secrets = Set(all.filter { $0.utf8.count > 3 }).sorted { $0.utf8.count > $1.utf8.count }
    }

    /// The text without them.
    func struck(from text: String) -> String {
        secrets.reduce(text) { $0.replacingOccurrences(of: $1, with: "***") }
    }

    /// As Go's `%q` and JSON write it between quotes.
    private static func escaped(_ text: String) -> String {
        [("\\", "\\\\"), ("\"", "\\\""), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")]
            .reduce(text) { $0.replacingOccurrences(of: $1.0, with: $1.1) }
    }
}
