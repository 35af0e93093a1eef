import Foundation
import Glibc
import JSONBytes

/// What a search looks for, without regard to case: a piece of a text as people read it.
///
/// Texts that are not ASCII are compared in one form of Unicode (NFC), since a letter with an accent may have been
/// typed as one or as two. What is typed in ASCII finds ASCII only, which costs a copy and a look.
struct SearchText: Sendable {
    /// Unicode scalars that a search may have.
    static let limit = 1000

    /// Folded, in UTF-8.
    private let wanted: [UInt8]
    private let fallbacks: [Int]
    private let isASCII: Bool
    private let hasLineBreak: Bool
    /// It may stand in a number, outside of JSON's strings.
    private let isNumeric: Bool

    /// - Returns: nil for white space alone, which is no wish.
    init?(_ text: String) {
        guard text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else { return nil }
        let unixText = text.replacing("\r\n", with: "\n")
        isASCII = unixText.utf8.allSatisfy { $0 < 0x80 }
        hasLineBreak = unixText.utf8.contains(0x0A)
        isNumeric = unixText.utf8.allSatisfy { (0x30...0x39).contains($0) || ".-+eE".utf8.contains($0) }
        wanted = isASCII ? Array(unixText.utf8).map(Self.lowered) : Self.folded(unixText)
        fallbacks = Self.fallbacks(of: wanted)
    }

    /// Whether it stands in a plain text.
    ///
    /// - Parameter scratch: memory that is kept from one text to the next.
    func isFound(in text: UnsafeBufferPointer<UInt8>, scratch: inout [UInt8]) -> Bool {
        guard text.count >= wanted.count || !isASCII else { return false }
        if !isASCII {
            guard text.contains(where: { $0 >= 0x80 }) else { return false }
            return contains(Self.folded(String(decoding: text, as: UTF8.self)))
        }
        if hasLineBreak, text.contains(0x0D) {
            scratch = Array(String(decoding: text, as: UTF8.self).replacing("\r\n", with: "\n").utf8)
            for index in scratch.indices { scratch[index] = Self.lowered(scratch[index]) }
            return contains(scratch)
        }
        scratch.removeAll(keepingCapacity: true)
        scratch.append(contentsOf: text.lazy.map(Self.lowered))
        return contains(scratch)
    }

    /// Whether it stands in one of the texts of a JSON document, or in a number. Names of members, which are the form
    /// and not the text, do not count.
    func isFound(inJSON json: UnsafeBufferPointer<UInt8>, scratch: inout Scratch) -> Bool {
        json.containsJSONText(includesRest: isNumeric, scratch: &scratch.unescaped) {
            isFound(in: $0, scratch: &scratch.folded)
        }
    }

    struct Scratch {
        var unescaped: [UInt8] = []
        var folded: [UInt8] = []
    }

    /// Knuth, Morris and Pratt's way: whatever is wanted, each byte of the text is looked at once. Where nothing has
    /// matched yet, `memchr` leads to the next first byte.
    private func contains(_ text: [UInt8]) -> Bool {
        text.withUnsafeBufferPointer { text in
            wanted.withUnsafeBufferPointer { wanted in
                var (position, matched) = (0, 0)
                while position < text.count {
                    if matched == 0 {
                        guard let start = text.baseAddress,
                            let found = memchr(start + position, Int32(wanted[0]), text.count - position)
                        else { return false }
                        position = UnsafeRawPointer(found) - UnsafeRawPointer(start)
                    }
                    while matched > 0, wanted[matched] != text[position] { matched = fallbacks[matched - 1] }
                    if wanted[matched] == text[position] { matched += 1 }
                    if matched == wanted.count { return true }
                    position += 1
                }
                return false
            }
        }
    }

    /// For each beginning of what is wanted: how long its longest end is that is a beginning as well.
    private static func fallbacks(of wanted: [UInt8]) -> [Int] {
        var lengths = [0]
        lengths.reserveCapacity(wanted.count)
        for index in wanted.indices.dropFirst() {
            var length = lengths[index - 1]
            while length > 0, wanted[length] != wanted[index] { length = lengths[length - 1] }
            lengths.append(wanted[length] == wanted[index] ? length + 1 : 0)
        }
        return lengths
    }

    @inline(__always)
    private static func lowered(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

    private static func folded(_ text: String) -> [UInt8] {
        Array(text.replacing("\r\n", with: "\n").lowercased().precomposedStringWithCanonicalMapping.utf8)
    }
}
