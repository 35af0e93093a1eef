import JSONBytes
import Testing

@Suite("JSON on one line") struct LineTests {
    private func line(_ text: String) -> String { String(decoding: Array(text.utf8).onOneLine, as: UTF8.self) }

    @Test(arguments: [
        ("{}", "{}"), ("", ""), ("\"größe â\u{2027}\u{202A}\u{84}\"", "\"größe â\u{2027}\u{202A}\u{84}\""),
        ("{\r\n  \"a\": 1,\n\r  \"b\": [\n]\r}\n", "{  \"a\": 1,  \"b\": []}"),
        ("\"a\u{2028}b\u{2029}c\u{85}\"", #""a\u2028b\u2029c\u0085""#), (#""a\nb\u2028""#, #""a\nb\u2028""#),
    ])
    func nothingEndsIt(_ text: String, _ expected: String) throws {
        #expect(line(text) == expected)
        #expect(!line(text).contains { $0.isNewline })
        if !text.isEmpty {
            #expect(try JSONValue(decoding: Array(expected.utf8)) == JSONValue(decoding: Array(text.utf8)))
        }
    }

    @Test(arguments: [[0xC2], [0xE2], [0xE2, 0x80], [0x22, 0xE2, 0x80, 0x22]] as [[UInt8]])
    func aSequenceThatIsCutOffStays(_ bytes: [UInt8]) {
        #expect(bytes.onOneLine == bytes)
    }
}
