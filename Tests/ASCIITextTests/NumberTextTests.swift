import ASCIIText
import Testing

@Suite struct IntegerTextTests {
    private func written(_ append: (inout [UInt8]) -> Void) -> String {
        var text = Array("x".utf8)
        append(&text)
        return String(decoding: text.dropFirst(), as: UTF8.self)
    }

    @Test(arguments: [Int.min, Int.min + 1, -10, -9, -1, 0, 1, 9, 10, 99, 100, 1_234_567_890, Int.max])
    func isWrittenAndReadBack(_ number: Int) {
        let text = written { IntegerText.append(number, to: &$0) }
        #expect(text == String(number))
        #expect(Array(text.utf8).withUnsafeBufferPointer(IntegerText.read) == number)
    }

    @Test func hasAllBitsOfUnsignedNumbers() {
        #expect(written { IntegerText.append(magnitude: .max, isNegative: false, to: &$0) } == String(UInt64.max))
    }

    @Test(arguments: ["", "-", "+1", " 1", "1 ", "1.0", "0x1", "9223372036854775808", "-9223372036854775809", "١"])
    func otherTextIsRefused(_ text: String) {
        #expect(Array(text.utf8).withUnsafeBufferPointer(IntegerText.read) == nil)
    }
}

@Suite struct HexTextTests {
    @Test func everyByteIsADigitOrNot() {
        let digits = Array("0123456789abcdef".utf8)
        for byte in UInt8.min ... .max {
            let lower = (UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte) ? byte | 0x20 : byte
            let value = digits.firstIndex(of: lower).map { UInt8($0) }
            #expect(HexText.value(byte) == value, "\(byte)")
            #expect(value == nil ? HexText.valueOrMore(byte) >= 16 : HexText.valueOrMore(byte) == value)
        }
        #expect((0..<16).map { HexText.digit($0) } == digits)
    }

    @Test func bytesAndNumbersAreWritten() {
        #expect(HexText.string([0x00, 0x0F, 0xA5, 0xFF]) == "000fa5ff")
        #expect(HexText.string([]) == "")
        let text = String(unsafeUninitializedCapacity: 17) { buffer in
            buffer[0] = UInt8(ascii: "-")
            HexText.write(0x0123_4567_89AB_CDEF, to: buffer, at: 1)
            return 17
        }
        #expect(text == "-0123456789abcdef")
    }
}
