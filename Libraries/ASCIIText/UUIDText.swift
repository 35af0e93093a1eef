import Foundation

/// UUIDs in their canonical form, 36 characters: written in lower case, read in either.
package enum UUIDText {
    /// How many characters there are.
    package static let count = 36

    /// The identifier as text.
    package static func string(_ id: UUID) -> String {
        String(unsafeUninitializedCapacity: count) { buffer in
            write(id, to: buffer)
            return count
        }
    }

    /// Appends an identifier.
    package static func append(_ id: UUID, to text: inout [UInt8]) {
        // Composed aside and appended at once: each append to an array looks at its capacity.
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: count) { characters in
            write(id, to: characters)
            text.append(contentsOf: UnsafeBufferPointer(characters))
        }
    }

    /// Reads a whole text; nil for any other form (without hyphens, in braces, as `urn:`).
    package static func read(_ text: UnsafeBufferPointer<UInt8>) -> UUID? {
        let hyphen = UInt8(ascii: "-")
        guard text.count == count, text[8] == hyphen, text[13] == hyphen, text[18] == hyphen, text[23] == hyphen else {
            return nil
        }
        var value: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        // Looked at once at the end, for the same reason as in `valueOrMore`.
        var invalid: UInt8 = 0
        withUnsafeMutableBytes(of: &value) { bytes in
            var position = 0
            for index in 0..<16 {
                if index == 4 || index == 6 || index == 8 || index == 10 { position += 1 }
                let high = HexText.valueOrMore(text[position])
                let low = HexText.valueOrMore(text[position + 1])
                invalid |= high | low
                bytes[index] = high << 4 | low & 0xF
                position += 2
            }
        }
        return invalid < 16 ? UUID(uuid: value) : nil
    }

    /// As ``read(_:)-(UnsafeBufferPointer<UInt8>)``, of a string.
    package static func read(_ text: some StringProtocol) -> UUID? {
        let utf8 = text.utf8
        if let id = utf8.withContiguousStorageIfAvailable({ read($0) }) { return id }
        return Array(utf8).withUnsafeBufferPointer { read($0) }
    }

    private static func write(_ id: UUID, to buffer: UnsafeMutableBufferPointer<UInt8>) {
        withUnsafeBytes(of: id.uuid) { bytes in
            var position = 0
            for index in 0..<16 {
                if index == 4 || index == 6 || index == 8 || index == 10 {
                    buffer[position] = UInt8(ascii: "-")
                    position += 1
                }
                buffer[position] = HexText.digit(bytes[index] >> 4)
                buffer[position + 1] = HexText.digit(bytes[index] & 0xF)
                position += 2
            }
        }
    }
}
