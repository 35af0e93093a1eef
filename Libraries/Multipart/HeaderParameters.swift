/// The parameters behind a header field's value: `; name="value"; ...` (RFC 9110, 5.6.6).
struct HeaderParameters {
    private var values: [String: [UInt8]] = [:]

    /// - Parameter bytes: empty, or beginning with the first semicolon.
    /// - Returns: nil when they do not follow the grammar, or name one parameter twice.
    init?(_ bytes: ArraySlice<UInt8>) {
        var reader = Reader(rest: bytes)
        reader.skipBlanks()
        while !reader.rest.isEmpty {
            guard reader.take(UInt8(ascii: ";")) else { return nil }
            reader.skipBlanks()
            // A semicolon behind the last one is common.
            if reader.rest.isEmpty || reader.rest.first == UInt8(ascii: ";") { continue }
            guard let name = reader.token() else { return nil }
            reader.skipBlanks()
            guard reader.take(UInt8(ascii: "=")) else { return nil }
            reader.skipBlanks()
            guard let value = reader.value(),
                values.updateValue(value, forKey: String(decoding: name, as: UTF8.self).lowercased()) == nil
            else { return nil }
            reader.skipBlanks()
        }
    }

    /// A parameter's value, its quotes and their escapes taken away.
    subscript(name: String) -> [UInt8]? { values[name] }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        mutating func skipBlanks() { rest = rest.drop { $0 == 0x20 || $0 == 0x09 } }

        mutating func take(_ byte: UInt8) -> Bool {
            guard rest.first == byte else { return false }
            rest.removeFirst()
            return true
        }

        mutating func token() -> ArraySlice<UInt8>? {
            let token = rest.prefix(while: isTokenByte)
            rest = rest.dropFirst(token.count)
            return token.isEmpty ? nil : token
        }

        mutating func value() -> [UInt8]? {
            guard take(UInt8(ascii: "\"")) else {
                // Old browsers sent names unquoted, blanks included.
                let value = rest.prefix { $0 != UInt8(ascii: ";") && $0 != UInt8(ascii: "\"") }
                rest = rest.dropFirst(value.count)
                var text = Array(value)
                while text.last == 0x20 || text.last == 0x09 { text.removeLast() }
                return text.isEmpty ? nil : text
            }
            return quoted()
        }

        /// A backslash escapes a quote and itself, and is itself before anything else: names of files have folders.
        private mutating func quoted() -> [UInt8]? {
            var value: [UInt8] = []
            while let byte = rest.popFirst() {
                switch byte {
                case UInt8(ascii: "\""): return value
                case UInt8(ascii: "\\"):
                    if let next = rest.first, next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\") {
                        rest.removeFirst()
                        value.append(next)
                    } else {
                        value.append(byte)
                    }
                default: value.append(byte)
                }
            }
            return nil
        }
    }
}

/// RFC 9110, 5.6.2.
func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
    default: tokenPunctuation.contains(byte)
    }
}

private let tokenPunctuation = Array("!#$%&'*+-.^_`|~".utf8)
