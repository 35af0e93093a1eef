import Foundation

extension UUID {
    /// The identifier as it is written on the wire: lower-case.
    public var lowercased: String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            write(to: buffer)
            return 36
        }
    }

    /// Appends the 36 lower-case characters.
    public func appendLowercased(to bytes: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 36) { buffer in
            buffer.initialize(repeating: 0)
            write(to: buffer)
            bytes.append(contentsOf: buffer)
        }
    }

    /// Reads the 36 characters of the canonical form, in either case, and nothing else (no braces, no `urn:`).
    public init?(canonical text: some StringProtocol) {
        self.init(canonical: text.utf8)
    }

    /// Reads the 36 characters of the canonical form, in either case, and nothing else.
    public init?(canonical text: some Sequence<UInt8>) {
        // Generic code of another module goes through witnesses byte by byte; contiguous bytes are the usual case.
        let parsed =
            text.withContiguousStorageIfAvailable { Self.parse($0) }
            ?? Array(text).withUnsafeBufferPointer { Self.parse($0) }
        guard let parsed else { return nil }
        self = parsed
    }

    private static func parse(_ text: UnsafeBufferPointer<UInt8>) -> UUID? {
        guard text.count == 36 else { return nil }
        let hyphen = UInt8(ascii: "-")
        guard text[8] == hyphen, text[13] == hyphen, text[18] == hyphen, text[23] == hyphen else { return nil }
        var value: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        // Checked once at the end: branches on random digits cannot be predicted.
        var invalid: UInt8 = 0
        withUnsafeMutableBytes(of: &value) { bytes in
            var position = 0
            for index in 0..<16 {
                if index == 4 || index == 6 || index == 8 || index == 10 { position += 1 }
                let (high, low) = (digitValue(text[position]), digitValue(text[position + 1]))
                invalid |= high | low
                bytes[index] = high << 4 | low & 0xF
                position += 2
            }
        }
        return invalid < 16 ? UUID(uuid: value) : nil
    }

    private func write(to buffer: UnsafeMutableBufferPointer<UInt8>) {
        withUnsafeBytes(of: uuid) { bytes in
            var position = 0
            for index in 0..<16 {
                if index == 4 || index == 6 || index == 8 || index == 10 {
                    buffer[position] = UInt8(ascii: "-")
                    position += 1
                }
                buffer[position] = hexDigit(bytes[index] >> 4)
                buffer[position + 1] = hexDigit(bytes[index] & 0xF)
                position += 2
            }
        }
    }
}

/// The value of a hexadecimal digit without a branch, 16 or more for any other character.
@inline(__always)
private func digitValue(_ character: UInt8) -> UInt8 {
    let digit = character &- UInt8(ascii: "0")
    let letter = (character | 0x20) &- UInt8(ascii: "a")
    return digit < 10 ? digit : letter < 6 ? letter &+ 10 : 0xFF
}
