/// Hexadecimal digits, written in lower case and read in either.
package enum HexText {
    /// The digit of a value below 16.
    @inlinable @inline(__always)
    package static func digit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 &+ value : 0x57 &+ value }

    /// The value of a digit, nil for any other character.
    @inlinable @inline(__always)
    package static func value(_ digit: UInt8) -> UInt8? {
        let value = valueOrMore(digit)
        return value < 16 ? value : nil
    }

    /// The value of a digit, 16 or more for any other character. Without a branch: random digits are what a processor
    /// cannot foresee.
    @inlinable @inline(__always)
    package static func valueOrMore(_ digit: UInt8) -> UInt8 {
        let number = digit &- UInt8(ascii: "0")
        let letter = (digit | 0x20) &- UInt8(ascii: "a")
        return number < 10 ? number : letter < 6 ? letter &+ 10 : 0xFF
    }

    /// Two digits a byte.
    package static func string(_ bytes: some Collection<UInt8>) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
            var position = 0
            for byte in bytes {
                buffer[position] = digit(byte >> 4)
                buffer[position + 1] = digit(byte & 0xF)
                position += 2
            }
            return position
        }
    }

    /// Writes all 16 digits of a number.
    package static func write(_ value: UInt64, to buffer: UnsafeMutableBufferPointer<UInt8>, at start: Int) {
        var value = value
        for place in stride(from: start + 15, through: start, by: -1) {
            buffer[place] = digit(UInt8(truncatingIfNeeded: value & 0xF))
            value >>= 4
        }
    }
}
