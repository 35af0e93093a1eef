import Foundation

/// A value that can be a parameter: written in Postgres's text form, whose type the statement decides.
package protocol PostgresEncodable: Sendable {
    /// Whether an array's elements of this type can go without quotes and escapes.
    static var isPlainInArrays: Bool { get }
    /// Whether this is SQL's NULL.
    var isNull: Bool { get }
    /// Appends the text form. Not called when ``isNull``.
    func write(to text: inout [UInt8])
    /// Appends the text form of an array.
    static func writeArray(_ values: [Self], to text: inout [UInt8])
}

extension PostgresEncodable {
    package static var isPlainInArrays: Bool { false }
    package var isNull: Bool { false }

    package static func writeArray(_ values: [Self], to text: inout [UInt8]) {
        text.append(UInt8(ascii: "{"))
        var scratch: [UInt8] = []
        for (index, value) in values.enumerated() {
            if index > 0 { text.append(UInt8(ascii: ",")) }
            if value.isNull {
                text.append(contentsOf: "NULL".utf8)
            } else if isPlainInArrays {
                value.write(to: &text)
            } else {
                scratch.removeAll(keepingCapacity: true)
                value.write(to: &scratch)
                ArrayText.writeQuoted(scratch, to: &text)
            }
        }
        text.append(UInt8(ascii: "}"))
    }
}

extension String: PostgresEncodable {
    package func write(to text: inout [UInt8]) { text.append(contentsOf: utf8) }
}

extension Int: PostgresEncodable {
    package static var isPlainInArrays: Bool { true }
    package func write(to text: inout [UInt8]) { text.append(contentsOf: description.utf8) }
}

extension Int64: PostgresEncodable {
    package static var isPlainInArrays: Bool { true }
    package func write(to text: inout [UInt8]) { text.append(contentsOf: description.utf8) }
}

extension Int32: PostgresEncodable {
    package static var isPlainInArrays: Bool { true }
    package func write(to text: inout [UInt8]) { text.append(contentsOf: description.utf8) }
}

extension Double: PostgresEncodable {
    package static var isPlainInArrays: Bool { true }
    // Shortest form that reads back as the same number; `inf` and `nan` are accepted too.
    package func write(to text: inout [UInt8]) { text.append(contentsOf: description.utf8) }
}

extension Bool: PostgresEncodable {
    package static var isPlainInArrays: Bool { true }
    package func write(to text: inout [UInt8]) { text.append(self ? UInt8(ascii: "t") : UInt8(ascii: "f")) }
}

extension UUID: PostgresEncodable {
    package static var isPlainInArrays: Bool { true }
    package func write(to text: inout [UInt8]) { UUIDText.write(self, to: &text) }
}

/// A `timestamptz`, to the microsecond.
extension Date: PostgresEncodable {
    package func write(to text: inout [UInt8]) { TimestampText.write(self, to: &text) }
}

/// Alone a byte makes no parameter; an array of them is text or JSON that is passed through as it is.
extension UInt8: PostgresEncodable {
    package func write(to text: inout [UInt8]) { text.append(self) }
    package static func writeArray(_ values: [UInt8], to text: inout [UInt8]) { text.append(contentsOf: values) }
}

extension Array: PostgresEncodable where Element: PostgresEncodable {
    package func write(to text: inout [UInt8]) { Element.writeArray(self, to: &text) }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    package static var isPlainInArrays: Bool { Wrapped.isPlainInArrays }
    package var isNull: Bool { map(\.isNull) ?? true }
    package func write(to text: inout [UInt8]) { self?.write(to: &text) }
}

extension PostgresEncodable where Self: RawRepresentable, RawValue: PostgresEncodable {
    package static var isPlainInArrays: Bool { RawValue.isPlainInArrays }
    package func write(to text: inout [UInt8]) { rawValue.write(to: &text) }
}

/// Bytes for a `bytea` column.
package struct Bytea: PostgresEncodable, Hashable {
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package func write(to text: inout [UInt8]) {
        text.append(contentsOf: #"\x"#.utf8)
        for byte in bytes {
            text.append(HexDigit.ascii(byte >> 4))
            text.append(HexDigit.ascii(byte & 15))
        }
    }
}
