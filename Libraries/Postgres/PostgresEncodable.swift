import ASCIIText
import Foundation

/// A value that can be a parameter: written in Postgres's text form, whose type the statement decides.
///
/// The array functions exist so that the common types can have specialised loops: through the generic ones an element
/// costs a microsecond, which is more than the server needs for a row.
package protocol PostgresEncodable: Sendable {
    /// Whether this is SQL's NULL.
    var isNull: Bool { get }
    /// Appends the text form. Not called when ``isNull``.
    func write(to text: inout [UInt8])
    /// Appends the text form of an array.
    static func writeArray(_ values: [Self], to text: inout [UInt8])
    /// Appends the text form of an array in which nil stands for NULL.
    static func writeNullableArray(_ values: [Self?], to text: inout [UInt8])
}

extension PostgresEncodable {
    package var isNull: Bool { false }

    package static func writeArray(_ values: [Self], to text: inout [UInt8]) {
        var scratch: [UInt8] = []
        ArrayText.write(values, to: &text) { value, text in
            if value.isNull { return ArrayText.writeNull(to: &text) }
            scratch.removeAll(keepingCapacity: true)
            value.write(to: &scratch)
            scratch.withUnsafeBufferPointer { ArrayText.writeQuoted($0, to: &text) }
        }
    }

    package static func writeNullableArray(_ values: [Self?], to text: inout [UInt8]) {
        var scratch: [UInt8] = []
        ArrayText.write(values, to: &text) { value, text in
            guard let value, !value.isNull else { return ArrayText.writeNull(to: &text) }
            scratch.removeAll(keepingCapacity: true)
            value.write(to: &scratch)
            scratch.withUnsafeBufferPointer { ArrayText.writeQuoted($0, to: &text) }
        }
    }
}

extension String: PostgresEncodable {
    package func write(to text: inout [UInt8]) { text.append(contentsOf: utf8) }

    package static func writeArray(_ values: [String], to text: inout [UInt8]) {
        ArrayText.write(values, to: &text) { ArrayText.writeQuoted($0, to: &$1) }
    }

    package static func writeNullableArray(_ values: [String?], to text: inout [UInt8]) {
        ArrayText.write(values, to: &text) { value, text in
            if let value { ArrayText.writeQuoted(value, to: &text) } else { ArrayText.writeNull(to: &text) }
        }
    }
}

/// Types whose text form needs no quotes inside an array.
package protocol PlainPostgresEncodable: PostgresEncodable {}

extension PlainPostgresEncodable {
    @inline(__always)
    fileprivate static func writePlain(_ values: [Self], to text: inout [UInt8]) {
        ArrayText.write(values, to: &text) { $0.write(to: &$1) }
    }

    @inline(__always)
    fileprivate static func writePlain(_ values: [Self?], to text: inout [UInt8]) {
        ArrayText.write(values, to: &text) { value, text in
            if let value { value.write(to: &text) } else { ArrayText.writeNull(to: &text) }
        }
    }
}

extension Int: PlainPostgresEncodable {
    package func write(to text: inout [UInt8]) { IntegerText.append(self, to: &text) }
    package static func writeArray(_ values: [Int], to text: inout [UInt8]) { writePlain(values, to: &text) }
    package static func writeNullableArray(_ values: [Int?], to text: inout [UInt8]) { writePlain(values, to: &text) }
}

extension Int64: PlainPostgresEncodable {
    package func write(to text: inout [UInt8]) { IntegerText.append(Int(self), to: &text) }
    package static func writeArray(_ values: [Int64], to text: inout [UInt8]) { writePlain(values, to: &text) }
    package static func writeNullableArray(_ values: [Int64?], to text: inout [UInt8]) { writePlain(values, to: &text) }
}

extension Int32: PlainPostgresEncodable {
    package func write(to text: inout [UInt8]) { IntegerText.append(Int(self), to: &text) }
    package static func writeArray(_ values: [Int32], to text: inout [UInt8]) { writePlain(values, to: &text) }
    package static func writeNullableArray(_ values: [Int32?], to text: inout [UInt8]) { writePlain(values, to: &text) }
}

extension Double: PlainPostgresEncodable {
    // Shortest form that reads back as the same number; `inf` and `nan` are accepted too.
    package func write(to text: inout [UInt8]) { text.append(contentsOf: description.utf8) }
    package static func writeArray(_ values: [Double], to text: inout [UInt8]) { writePlain(values, to: &text) }
    package static func writeNullableArray(_ values: [Double?], to text: inout [UInt8]) {
        writePlain(values, to: &text)
    }
}

extension Bool: PlainPostgresEncodable {
    package func write(to text: inout [UInt8]) { text.append(self ? UInt8(ascii: "t") : UInt8(ascii: "f")) }
    package static func writeArray(_ values: [Bool], to text: inout [UInt8]) { writePlain(values, to: &text) }
    package static func writeNullableArray(_ values: [Bool?], to text: inout [UInt8]) { writePlain(values, to: &text) }
}

extension UUID: PlainPostgresEncodable {
    package func write(to text: inout [UInt8]) { UUIDText.append(self, to: &text) }
    package static func writeArray(_ values: [UUID], to text: inout [UInt8]) { writePlain(values, to: &text) }
    package static func writeNullableArray(_ values: [UUID?], to text: inout [UInt8]) { writePlain(values, to: &text) }
}

/// A `timestamptz`, to the microsecond.
extension Date: PostgresEncodable {
    package func write(to text: inout [UInt8]) { TimestampText.write(self, to: &text) }
}

/// A single byte is no parameter; an array of bytes is text or JSON that is passed through unchanged.
extension UInt8: PostgresEncodable {
    package func write(to text: inout [UInt8]) { text.append(self) }
    package static func writeArray(_ values: [UInt8], to text: inout [UInt8]) { text.append(contentsOf: values) }
}

extension Array: PostgresEncodable where Element: PostgresEncodable {
    package func write(to text: inout [UInt8]) { Element.writeArray(self, to: &text) }
}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    // No key path here: generic code creates one at each use, which costs more than a row.
    package var isNull: Bool {
        switch self {
        case .none: true
        case .some(let value): value.isNull
        }
    }
    package func write(to text: inout [UInt8]) { self?.write(to: &text) }
    package static func writeArray(_ values: [Wrapped?], to text: inout [UInt8]) {
        Wrapped.writeNullableArray(values, to: &text)
    }
}

extension PostgresEncodable where Self: RawRepresentable, RawValue: PostgresEncodable {
    package func write(to text: inout [UInt8]) { rawValue.write(to: &text) }
    package static func writeArray(_ values: [Self], to text: inout [UInt8]) {
        RawValue.writeArray(values.map(\.rawValue), to: &text)
    }
}

/// Bytes for a `bytea` column.
package struct Bytea: PostgresEncodable, Hashable {
    package let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package func write(to text: inout [UInt8]) {
        text.append(contentsOf: #"\x"#.utf8)
        for byte in bytes {
            text.append(HexText.digit(byte >> 4))
            text.append(HexText.digit(byte & 15))
        }
    }
}
