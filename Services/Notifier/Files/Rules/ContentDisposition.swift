/// `Content-Disposition: attachment` with a name (RFC 6266): in ASCII for old clients, in UTF-8 for all others (RFC
/// 8187).
enum ContentDisposition {
    static func attachment(_ name: String) -> String {
        "attachment; filename=\"\(fallback(name))\"; filename*=UTF-8''\(encoded(name))"
    }

    /// Without characters that need an escape: clients disagree about those.
    private static func fallback(_ name: String) -> String {
        let text = String(
            decoding: name.unicodeScalars.map { scalar -> UInt8 in
                switch scalar.value {
                case 0x22, 0x25, 0x2F, 0x5C: UInt8(ascii: "_")
                case 0x20..<0x7F: UInt8(scalar.value)
                default: UInt8(ascii: "_")
                }
            }, as: UTF8.self)
        return text.allSatisfy { $0 == "." || $0 == " " } ? "file" : text
    }

    private static func encoded(_ name: String) -> String {
        var text: [UInt8] = []
        for byte in (name.isEmpty ? "file" : name).utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: text.append(byte)
            case _ where attributeCharacters.contains(byte): text.append(byte)
            default: text += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static let attributeCharacters = Array("!#$&+-.^_`|~".utf8)
    private static let digits = Array("0123456789ABCDEF".utf8)
}
