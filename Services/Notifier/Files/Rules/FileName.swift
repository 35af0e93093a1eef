import Crypto

/// What an uploaded file is called: by its reduced name, and stored under one that nobody can guess.
struct FileName: Hashable, Sendable {
    /// Characters of a reduced name.
    static let limit = 100

    /// The reduced name.
    let name: String
    /// `<32 hex>-<name>`
    let stored: String

    /// - Parameter original: as the client has it, folders included.
    init(_ original: String) {
        name = Self.reduced(original)
        stored = "\(hex(randomBytes(16)))-\(name)"
    }

    /// - Returns: nil for what is no stored name.
    init?(stored: some StringProtocol) {
        let bytes = Array(stored.utf8)
        guard bytes.count > 33, bytes[32] == UInt8(ascii: "-"), bytes[..<32].allSatisfy(Self.isHexDigit) else {
            return nil
        }
        let name = bytes[33...]
        guard name.count <= Self.limit, name.allSatisfy(Self.isKept) else { return nil }
        self.name = String(decoding: name, as: UTF8.self)
        self.stored = String(stored)
    }

    /// The base name, without what is special to anybody, and with its extension when it is cut.
    static func reduced(_ original: String) -> String {
        // By scalars: to a string, a slash with an accent is another character.
        let base = original.unicodeScalars.split(omittingEmptySubsequences: false) { $0 == "/" || $0 == "\\" }.last
        let text = String(
            decoding: (base.map(Array.init) ?? []).map { scalar in
                scalar.isASCII && isKept(UInt8(scalar.value)) ? UInt8(scalar.value) : UInt8(ascii: "_")
            }, as: UTF8.self)
        let cut = shortened(text)
        return ["", ".", ".."].contains(cut) ? "file" : cut
    }

    private static func shortened(_ text: String) -> String {
        guard text.utf8.count > limit else { return text }
        // An extension is no longer than this; what is, is a name with a dot in it.
        guard let dot = text.lastIndex(of: "."), text[dot...].utf8.count <= 20 else {
            return String(text.prefix(limit))
        }
        return String(text.prefix(limit - text[dot...].utf8.count)) + text[dot...]
    }

    private static func isKept(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"): true
        default: false
        }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte)
    }
}
