/// The boundary of a `multipart/form-data` body, out of its `Content-Type`.
package struct MultipartBoundary: Sendable, Hashable {
    package let bytes: [UInt8]

    /// - Returns: nil for another type, and for a boundary that is none (RFC 2046, 5.1.1).
    package init?(contentType: String) {
        let field = Array(contentType.utf8)
        let end = field.firstIndex(of: UInt8(ascii: ";")) ?? field.count
        let type = String(decoding: field[..<end], as: UTF8.self)
        guard type.trimmingBlanks.lowercased() == "multipart/form-data" else { return nil }
        guard let parameters = HeaderParameters(field[end...]), let value = parameters["boundary"] else { return nil }
        self.init(value)
    }

    /// - Returns: nil unless it is 1 to 70 characters of those allowed, and does not end with a blank.
    package init?(_ bytes: [UInt8]) {
        guard (1...70).contains(bytes.count), bytes.last != 0x20, bytes.allSatisfy(Self.isAllowed) else { return nil }
        self.bytes = bytes
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: punctuation.contains(byte)
        }
    }

    private static let punctuation = Array("'()+_,-./:=? ".utf8)
}

extension String {
    var trimmingBlanks: String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let first = firstIndex(where: { !isBlank($0) }), let last = lastIndex(where: { !isBlank($0) }) else {
            return ""
        }
        return String(self[first...last])
    }
}
