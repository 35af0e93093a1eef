import Foundation
import JSONBytes

/// The text of a case-insensitive search.
///
/// Texts that are not ASCII are compared in Unicode's NFC, since a letter with an accent may have been typed as one
/// scalar or as two. A search for ASCII matches ASCII only, which is cheap.
struct SearchText: Sendable {
    /// The most Unicode scalars.
    static let limit = 1000

    /// Folded, in UTF-8.
    private let pattern: BytePattern
    /// The longest part of the pattern that does not change with case and normal form: a text without it need not be
    /// folded, which is slow. Nil when there is none.
    private let anchor: BytePattern?
    private let isASCII: Bool
    private let hasLineBreak: Bool
    /// It may be part of a number, outside of JSON's strings.
    private let isNumeric: Bool

    /// - Returns: nil for white space alone.
    init?(_ text: String) {
        guard text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else { return nil }
        let unixText = text.replacing("\r\n", with: "\n")
        isASCII = unixText.utf8.allSatisfy { $0 < 0x80 }
        hasLineBreak = unixText.utf8.contains(0x0A)
        isNumeric = unixText.utf8.allSatisfy { (0x30...0x39).contains($0) || ".-+eE".utf8.contains($0) }
        let folded = isASCII ? Array(unixText.utf8).map(Self.lowered) : Self.folded(unixText)
        pattern = BytePattern(folded)
        anchor = isASCII ? nil : Self.anchor(of: folded)
    }

    /// Whether a plain text contains it.
    ///
    /// - Parameter scratch: memory that is reused from one text to the next.
    func isFound(in text: UnsafeBufferPointer<UInt8>, scratch: inout [UInt8]) -> Bool {
        guard text.count >= pattern.bytes.count || !isASCII else { return false }
        if !isASCII {
            guard text.contains(where: { $0 >= 0x80 }) else { return false }
            if let anchor {
                Self.lower(text, into: &scratch)
                guard anchor.isIn(scratch) else { return false }
            }
            return pattern.isIn(Self.folded(String(decoding: text, as: UTF8.self)))
        }
        if hasLineBreak, text.contains(0x0D) {
            scratch = Array(String(decoding: text, as: UTF8.self).replacing("\r\n", with: "\n").utf8)
            for index in scratch.indices { scratch[index] = Self.lowered(scratch[index]) }
            return pattern.isIn(scratch)
        }
        Self.lower(text, into: &scratch)
        return pattern.isIn(scratch)
    }

    /// The hashes that a block's filter contains when a row of it contains the text; none for a text that is too short.
    var hashes: [Int32] { GramFilter.hashes(of: pattern.bytes) }

    /// Adds a plain text to a filter, in every form that ``isFound(in:scratch:)`` compares.
    static func add(_ text: UnsafeBufferPointer<UInt8>, to filter: inout GramFilter, scratch: inout [UInt8]) {
        lower(text, into: &scratch)
        scratch.withUnsafeBufferPointer { filter.add($0) }
        guard text.contains(where: { $0 >= 0x80 }) else { return }
        folded(String(decoding: text, as: UTF8.self)).withUnsafeBufferPointer { filter.add($0) }
    }

    /// Adds a JSON document to a filter, as ``isFound(inJSON:scratch:)`` reads it.
    static func add(
        json: UnsafeBufferPointer<UInt8>, to filter: inout GramFilter, scratch: inout Scratch
    ) {
        _ = json.containsJSONText(includesRest: true, scratch: &scratch.unescaped) { text in
            add(text, to: &filter, scratch: &scratch.folded)
            return false
        }
    }

    /// Whether one of the strings or numbers of a JSON document contains it. Names of members do not count.
    func isFound(inJSON json: UnsafeBufferPointer<UInt8>, scratch: inout Scratch) -> Bool {
        json.containsJSONText(includesRest: isNumeric, scratch: &scratch.unescaped) {
            isFound(in: $0, scratch: &scratch.folded)
        }
    }

    struct Scratch {
        var unescaped: [UInt8] = []
        var folded: [UInt8] = []
    }

    private static func lower(_ text: UnsafeBufferPointer<UInt8>, into scratch: inout [UInt8]) {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: text.lazy.map(lowered))
    }

    /// ASCII and Chinese characters do not change with the normal form.
    private static func anchor(of folded: [UInt8]) -> BytePattern? {
        let pieces = String(decoding: folded, as: UTF8.self).unicodeScalars.split { scalar in
            // A text may have a carriage return before a line feed.
            scalar == "\n" || !scalar.isASCII && !(0x3400...0x9FFF).contains(scalar.value)
        }
        return pieces.max { $0.count < $1.count }.map { BytePattern(Array(String($0).utf8)) }
    }

    @inline(__always)
    private static func lowered(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    private static func folded(_ text: String) -> [UInt8] {
        Array(text.replacing("\r\n", with: "\n").lowercased().precomposedStringWithCanonicalMapping.utf8)
    }
}
