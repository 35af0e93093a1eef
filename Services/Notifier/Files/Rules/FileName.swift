import Crypto

/// The names of an uploaded file: a reduced one for display, and an unguessable one for storage.
struct FileName: Hashable, Sendable {
    /// The most characters of a reduced name.
    static let limit = 100

    /// The reduced name.
    let name: String
    /// `<32 hex>-<name>`
    let stored: String

    /// - Parameter original: the client's name, which may contain folders.
    init(_ original: String) {
        name = Self.reduced(original)
        stored = "\(hex(randomBytes(16)))-\(name)"
    }

    /// - Returns: nil for any other text.
    init?(stored: some StringProtocol) {
        let bytes = Array(stored.utf8)
        guard bytes.count > 33, bytes[32] == UInt8(ascii: "-"), bytes[..<32].allSatisfy(Self.isHexDigit) else {
            return nil
        }
        let name = bytes[33...]
        guard name.count <= Self.limit, name.allSatisfy(Self.isSafe) else { return nil }
        self.name = String(decoding: name, as: UTF8.self)
        self.stored = String(stored)
    }

    /// The base name with only safe characters; its extension is kept when it is truncated.
    static func reduced(_ original: String) -> String {
        // By scalars: to a string, a slash with an accent is another character.
        let base = original.unicodeScalars.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }.last
        let text = String(
            decoding: (base.map(Array.init) ?? []).map { scalar in
                scalar.isASCII && isSafe(UInt8(scalar.value)) ? UInt8(scalar.value) : UInt8(ascii: "_")
            }, as: UTF8.self)
        let shortName = shortened(text)
        return ["", ".", ".."].contains(shortName) ? "file" : shortName
    }

    private static func shortened(_ text: String) -> String {
        guard text.utf8.count > limit else { return text }
        // A longer suffix counts as a part of the name that contains a dot.
        guard let dot = text.lastIndex(of: "."), text[dot...].utf8.count <= 20 else {
            return String(text.prefix(limit))
        }
        return String(text.prefix(limit - text[dot...].utf8.count)) + text[dot...]
    }

    private static func isSafe(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
}
