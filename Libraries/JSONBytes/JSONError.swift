/// Why bytes are not the JSON that was asked for, and where.
package struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Kind: String, Sendable, Hashable {
        case unexpectedEnd = "unexpected end"
        case unexpectedByte = "unexpected byte"
        case invalidUTF8 = "invalid UTF-8"
        case invalidEscape = "invalid escape"
        case loneSurrogate = "half of a surrogate pair"
        case controlCharacter = "unescaped control character"
        case invalidNumber = "malformed number"
        case tooDeep = "nested too deeply"
        case trailingBytes = "bytes after the document"
        case notAnObject = "not an object"
        case tooLarge = "larger than 2 GiB"
    }

    package let kind: Kind
    /// Bytes before the one that is wrong.
    package let offset: Int

    package init(_ kind: Kind, at offset: Int) {
        self.kind = kind
        self.offset = offset
    }

    package var description: String { "\(kind.rawValue) at byte \(offset)" }
}

/// A member of an object that is missing, repeated or of the wrong type. The description is fit for clients.
package struct JSONFieldError: Error, Sendable, Hashable, CustomStringConvertible {
    package let field: String
    /// What it must be: `a string`, `a whole number`, `given once`, ...
    package let expected: String
    package let isMissing: Bool

    package init(field: String, expected: String, isMissing: Bool = false) {
        self.field = field
        self.expected = expected
        self.isMissing = isMissing
    }

    init(repeated name: StaticString) {
        self.init(field: name.description, expected: "given once")
    }

    package var description: String { isMissing ? "\(field) is required" : "\(field) must be \(expected)" }
}
