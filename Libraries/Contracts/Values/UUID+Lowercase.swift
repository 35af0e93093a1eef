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
        let isValid = withUnsafeMutableBytes(of: &value) { bytes in
            var position = 0
            for index in 0..<16 {
                if index == 4 || index == 6 || index == 8 || index == 10 { position += 1 }
                guard let high = hexValue(text[position]), let low = hexValue(text[position + 1]) else { return false }
                bytes[index] = high << 4 | low
                position += 2
            }
            return true
        }
        return isValid ? UUID(uuid: value) : nil
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

/// The value of a hexadecimal digit, nil for any other character.
func hexValue(_ character: UInt8) -> UInt8? {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
    default: nil
    }
}
