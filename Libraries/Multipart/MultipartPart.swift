import ASCIIText

/// What the header fields of a part say.
package struct MultipartPart: Sendable, Hashable {
    /// The form's field.
    package let name: String
    /// As the client sent it, folders included; nil for a field that is no file, empty when no file was chosen.
    package let fileName: String?
    /// Its own `Content-Type`, as it came.
    package let contentType: String?

    /// - Parameter block: header fields, each with its line break.
    init(_ block: ArraySlice<UInt8>, limits: MultipartLimits) throws(MultipartError) {
        var disposition: [UInt8]?
        var type: [UInt8]?
        var encoding: [UInt8]?
        var count = 0
        var rest = block
        while !rest.isEmpty {
            count += 1
            guard count <= limits.headerFields else { throw .headersTooLarge }
            let (name, value) = try Self.takeField(&rest)
            switch name {
            case "content-disposition": try Self.set(&disposition, value, name)
            case "content-type": try Self.set(&type, value, name)
            case "content-transfer-encoding": try Self.set(&encoding, value, name)
            default: break
            }
        }
        try Self.check(transferEncoding: encoding)
        guard let disposition else { throw .malformed("a part has no Content-Disposition") }
        (name, fileName) = try Self.names(in: disposition)
        contentType = type.map { String(decoding: $0, as: UTF8.self).trimmingBlanks }
    }

    private static func takeField(
        _ rest: inout ArraySlice<UInt8>
    ) throws(MultipartError) -> (name: String, value: [UInt8]) {
        // The parser hands over whole lines.
        guard let end = rest.firstIndex(of: 0x0A), end > rest.startIndex, rest[end - 1] == 0x0D else {
            throw .malformed("a part's header line does not end with CRLF")
        }
        let line = rest[..<(end - 1)]
        rest = rest[(end + 1)...]
        guard line.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            throw .malformed("a part's header has a control character")
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
            throw .malformed("a part's header has no colon")
        }
        let name = line[..<colon]
        guard !name.isEmpty, name.allSatisfy(isTokenByte) else { throw .malformed("a part's header has no name") }
        return (String(decoding: name, as: UTF8.self).lowercased(), Array(line[(colon + 1)...]))
    }

    private static func set(_ field: inout [UInt8]?, _ value: [UInt8], _ name: String) throws(MultipartError) {
        guard field == nil else { throw .malformed("a part has two \(name) fields") }
        field = value
    }

    /// Encoded content is rejected, as it would be stored encoded; RFC 7578, 4.7 deprecates it.
    private static func check(transferEncoding: [UInt8]?) throws(MultipartError) {
        guard let transferEncoding else { return }
        let text = String(decoding: transferEncoding, as: UTF8.self).trimmingBlanks.lowercased()
        guard ["binary", "8bit", "7bit"].contains(text) else {
            throw .malformed("Content-Transfer-Encoding is not supported")
        }
    }

    private static func names(in disposition: [UInt8]) throws(MultipartError) -> (String, String?) {
        let end = disposition.firstIndex(of: UInt8(ascii: ";")) ?? disposition.count
        let type = String(decoding: disposition[..<end], as: UTF8.self).trimmingBlanks.lowercased()
        guard type == "form-data", let parameters = HeaderParameters(disposition[end...]) else {
            throw .malformed("a part's Content-Disposition is not form-data with parameters")
        }
        guard let name = parameters["name"] else { throw .malformed("a part has no name") }
        let extended = parameters["filename*"].flatMap(ExtendedValue.decode)
        return (unescaped(name), extended ?? parameters["filename"].map(unescaped))
    }

    /// What HTML's forms escape in names: quotes and line breaks.
    private static func unescaped(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let high = HexText.value(rest[rest.startIndex]),
                let low = HexText.value(rest[rest.startIndex + 1]),
                [0x0A, 0x0D, 0x22].contains(high << 4 | low)
            {
                text.append(high << 4 | low)
                rest = rest.dropFirst(2)
            } else {
                text.append(byte)
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
