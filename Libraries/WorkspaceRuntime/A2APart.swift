import JSONBytes

/// One part of a message.
public enum A2APart: Sendable, Hashable {
    /// Plain text.
    case text(String)
    /// Any other part, a file or data: its JSON as it came, or as it is to be sent.
    case json([UInt8])

    /// Agents in the field write `kind` or `type`.
    init(_ slice: JSONSlice) {
        let kind = slice.find("kind")?.string ?? slice.find("type")?.string
        if kind == "text", let text = slice.find("text")?.string {
            self = .text(text)
        } else {
            self = .json(Array(slice.bytes))
        }
    }

    /// The text of a text part.
    public var text: String? { if case .text(let text) = self { text } else { nil } }

    /// Writes a text part's members; the caller opens the object.
    func write(_ writer: inout JSONWriter) {
        writer.member("kind", "text")
        writer.member("text", text ?? "")
    }

    func writeValue(_ writer: inout JSONWriter) {
        switch self {
        case .text: writer.object { write(&$0) }
        case .json(let bytes): writer.raw(bytes)
        }
    }
}

/// Finds the text in agents' replies.
enum A2AText {
    /// The texts of a message's parts, one per line.
    static func of(_ parts: [A2APart]) -> String { parts.compactMap(\.text).joined(separator: "\n") }

    /// The text of a result, be it a message or a task; without one, its JSON.
    static func ofResult(_ result: JSONSlice?) -> String {
        guard let result else { return "" }
        let candidates = [
            result.find("parts"), result.find("artifacts")?.elements?.first?.find("parts"),
            result.find("status", "message", "parts"),
        ]
        for case let parts? in candidates {
            let text = of((parts.elements ?? []).map(A2APart.init))
            if !text.isEmpty { return text }
        }
        return String(decoding: result.bytes, as: UTF8.self)
    }
}
