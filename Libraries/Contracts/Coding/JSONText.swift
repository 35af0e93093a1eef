import Foundation

/// The bytes of one JSON document, and what the values in it say.
///
/// Ranges are those that a ``JSONScanner`` found: grammar and UTF-8 of what they hold have been checked, the surrogates
/// among the escapes have not.
final class JSONText {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The first byte of the value at `range`.
    func first(_ range: Range<Int>) -> UInt8 { bytes[range.lowerBound] }

    func isNull(_ range: Range<Int>) -> Bool { first(range) == UInt8(ascii: "n") }

    func bool(_ range: Range<Int>) -> Bool? {
        switch first(range) {
        case UInt8(ascii: "t"): true
        case UInt8(ascii: "f"): false
        default: nil
        }
    }

    func isString(_ range: Range<Int>) -> Bool { first(range) == UInt8(ascii: "\"") }

    /// The text of a string; nil when an escape in it is half of a surrogate pair.
    func string(_ range: Range<Int>) -> String? { text(inside: range.lowerBound + 1..<range.upperBound - 1) }

    /// The text that the bytes between two quotes stand for.
    func text(inside range: Range<Int>) -> String? {
        bytes.withUnsafeBufferPointer { buffer in
            let raw = UnsafeBufferPointer(rebasing: buffer[range])
            guard raw.contains(UInt8(ascii: "\\")) else { return String(decoding: raw, as: UTF8.self) }
            var plain: [UInt8] = []
            plain.reserveCapacity(raw.count)
            var position = 0
            while position < raw.count {
                guard raw[position] == UInt8(ascii: "\\") else {
                    plain.append(raw[position])
                    position += 1
                    continue
                }
                guard let scalar = Self.escape(raw, &position), let encoded = UTF8.encode(scalar) else { return nil }
                plain.append(contentsOf: encoded)
            }
            return String(decoding: plain, as: UTF8.self)
        }
    }

    /// Whether the bytes between two quotes stand for `wanted`. Ends at the first difference.
    func isEqual(_ range: Range<Int>, _ wanted: UnsafeBufferPointer<UInt8>) -> Bool {
        // An escape is longer than what it stands for, at most six bytes for one.
        guard range.count >= wanted.count, range.count <= 6 * wanted.count else { return false }
        return bytes.withUnsafeBufferPointer { buffer in
            var position = range.lowerBound
            var index = 0
            while position < range.upperBound {
                if buffer[position] != UInt8(ascii: "\\") {
                    guard index < wanted.count, buffer[position] == wanted[index] else { return false }
                    position += 1
                    index += 1
                    continue
                }
                guard let scalar = Self.escape(buffer, &position), let encoded = UTF8.encode(scalar) else {
                    return false
                }
                for byte in encoded {
                    guard index < wanted.count, byte == wanted[index] else { return false }
                    index += 1
                }
            }
            return index == wanted.count
        }
    }

    /// The value as a whole number (`3.0` and `3e2` are whole); nil when it is none or does not fit the type.
    func integer<T: FixedWidthInteger>(_ range: Range<Int>, _ type: T.Type) -> T? {
        guard let text = numberText(range) else { return nil }
        if let value = T(text) { return value }
        let mayBeWhole = text.utf8.contains { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }
        return mayBeWhole ? Double(text).flatMap { T(exactly: $0) } : nil
    }

    /// The value as a number; nil when it is none or too large.
    func double(_ range: Range<Int>) -> Double? {
        guard let text = numberText(range), let value = Double(text), value.isFinite else { return nil }
        return value
    }

    private func numberText(_ range: Range<Int>) -> String? {
        let first = first(range)
        guard first == UInt8(ascii: "-") || first &- UInt8(ascii: "0") < 10 else { return nil }
        return String(decoding: bytes[range], as: UTF8.self)
    }

    /// Passes the escape at the position, of a high surrogate together with that of the low one that must follow.
    private static func escape(_ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int) -> Unicode.Scalar? {
        let letter = bytes[position + 1]
        guard letter == UInt8(ascii: "u") else {
            position += 2
            return simpleEscape(letter)
        }
        let unit = codeUnit(bytes, &position)
        guard 0xD800..<0xDC00 ~= unit else { return Unicode.Scalar(unit) }
        guard position + 5 < bytes.count, bytes[position] == UInt8(ascii: "\\"),
            bytes[position + 1] == UInt8(ascii: "u"), case 0xDC00..<0xE000 = codeUnit(bytes, position)
        else { return nil }
        return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + codeUnit(bytes, &position) - 0xDC00)
    }

    private static func simpleEscape(_ letter: UInt8) -> Unicode.Scalar {
        switch letter {
        case UInt8(ascii: "b"): "\u{08}"
        case UInt8(ascii: "f"): "\u{0C}"
        case UInt8(ascii: "n"): "\n"
        case UInt8(ascii: "r"): "\r"
        case UInt8(ascii: "t"): "\t"
        default: Unicode.Scalar(letter)  // a quote, a backslash or a slash stands for itself
        }
    }

    private static func codeUnit(_ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int) -> UInt32 {
        defer { position += 6 }
        return codeUnit(bytes, position)
    }

    /// The value of `\uXXXX`.
    private static func codeUnit(_ bytes: UnsafeBufferPointer<UInt8>, _ position: Int) -> UInt32 {
        (position + 2..<position + 6).reduce(into: 0) { unit, index in
            let byte = bytes[index]
            let digit = byte < UInt8(ascii: "A") ? byte &- UInt8(ascii: "0") : (byte | 0x20) &- UInt8(ascii: "a") &+ 10
            unit = unit << 4 | UInt32(digit & 0xF)
        }
    }
}
