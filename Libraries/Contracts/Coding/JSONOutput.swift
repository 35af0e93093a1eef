import Foundation

/// Compact JSON being written: tokens appended to bytes, commas placed by the scopes that are open.
///
/// A class, because the containers of one `Encoder` run all write to the same output.
final class JSONOutput {
    private struct Scope {
        let closing: UInt8
        var isEmpty = true
    }

    private(set) var bytes: [UInt8] = []
    private var scopes: [Scope] = []

    /// How many objects and arrays are open.
    var depth: Int { scopes.count }

    init(reservingCapacity capacity: Int) {
        bytes.reserveCapacity(capacity)
    }

    func openObject() { open("{", closing: "}") }
    func openArray() { open("[", closing: "]") }

    /// Closes scopes until `depth` of them are left open.
    func close(to depth: Int) {
        while scopes.count > depth, let scope = scopes.popLast() {
            bytes.append(scope.closing)
        }
    }

    /// Puts the comma that the next member or element of the innermost scope needs.
    func separate() {
        guard let last = scopes.indices.last else { return }
        if scopes[last].isEmpty { scopes[last].isEmpty = false } else { bytes.append(UInt8(ascii: ",")) }
    }

    func key(_ name: String) {
        separate()
        string(name)
        bytes.append(UInt8(ascii: ":"))
    }

    func raw(_ json: some Collection<UInt8>) { bytes.append(contentsOf: json) }
    func literal(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }
    func integer(_ value: some BinaryInteger) { bytes.append(contentsOf: String(value).utf8) }

    /// Writes a finite number; whole ones without `.0`.
    /// - Returns: false for an infinity or not-a-number, which JSON cannot say.
    func number(_ value: Double) -> Bool {
        guard value.isFinite else { return false }
        if value.magnitude < 9_007_199_254_740_992, value == value.rounded(.towardZero) {
            integer(Int64(value))
        } else {
            bytes.append(contentsOf: value.description.utf8)
        }
        return true
    }

    func string(_ value: String) {
        var value = value
        bytes.append(UInt8(ascii: "\""))
        value.withUTF8 { utf8 in
            var copied = 0
            for index in utf8.indices where Self.needsEscape(utf8[index]) {
                bytes.append(contentsOf: utf8[copied..<index])
                escape(utf8[index])
                copied = index + 1
            }
            bytes.append(contentsOf: utf8[copied...])
        }
        bytes.append(UInt8(ascii: "\""))
    }

    func uuid(_ value: UUID) {
        bytes.append(UInt8(ascii: "\""))
        value.appendLowercased(to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    private func open(_ opening: Unicode.Scalar, closing: Unicode.Scalar) {
        bytes.append(UInt8(ascii: opening))
        scopes.append(Scope(closing: UInt8(ascii: closing)))
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    private func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): literal("\\\"")
        case UInt8(ascii: "\\"): literal("\\\\")
        case 0x0A: literal("\\n")
        case 0x0D: literal("\\r")
        case 0x09: literal("\\t")
        default:
            literal("\\u00")
            bytes.append(hexDigit(byte >> 4))
            bytes.append(hexDigit(byte & 0xF))
        }
    }
}

/// The lower-case hexadecimal digit of a value below 16.
func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}
