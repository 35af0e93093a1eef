import Contracts
import JSONBytes

/// The text in an agent's response.
package enum ResponseText {
    /// The first text part of `result.parts`, else of `result.artifacts`, else of `result.status.message.parts`, else
    /// the body as it is. Of an event stream it is that of the last event with text.
    package static func extract(from body: [UInt8]) -> String {
        words(of: body) ?? String(decoding: body, as: UTF8.self)
    }

    /// The same; nil when there is no such part.
    package static func words(of body: [UInt8]) -> String? {
        let response = try? JSONSlice(validating: body)
        return response.flatMap(words(in:)) ?? (response == nil ? words(inStream: body) : nil)
    }

    private static func words(inStream body: [UInt8]) -> String? {
        ServerSentEvents.data(in: body).reversed().lazy
            .compactMap { (try? JSONSlice(validating: $0)).flatMap(words(in:)) }.first
    }

    private static func words(in response: JSONSlice) -> String? {
        guard let result = response.find("result") else { return nil }
        if let text = firstText(in: result.find("parts")) { return text }
        for artifact in result.find("artifacts")?.elements ?? [] {
            if let text = firstText(in: artifact.find("parts")) ?? text(of: artifact) { return text }
        }
        return firstText(in: result.find("status", "message", "parts"))
    }

    private static func firstText(in parts: JSONSlice?) -> String? {
        for part in parts?.elements ?? [] {
            if let text = text(of: part) { return text }
        }
        return nil
    }

    /// Both spellings are in use: `kind` in A2A 0.3, `type` before it.
    private static func text(of part: JSONSlice) -> String? {
        guard (part.find("kind") ?? part.find("type"))?.string == "text" else { return nil }
        return part.find("text")?.string
    }
}

extension String {
    /// Fit for a text column: Postgres has no NUL character.
    package var withoutNUL: String {
        contains(byte: 0) ? replacing("\0", with: "\u{FFFD}") : self
    }
}
