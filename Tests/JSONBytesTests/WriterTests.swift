import JSONBytes
import Testing

@Suite struct WriterTests {
    private func written(_ body: (inout JSONWriter) -> Void) -> String {
        var writer = JSONWriter()
        body(&writer)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    @Test func placesCommas() {
        let text = written { writer in
            writer.object { writer in
                writer.member("s", "x")
                writer.member("i", -12)
                writer.member("d", 0.5)
                writer.member("b", true)
                writer.member("n", orNull: nil as String?)
                writer.member("p", ifPresent: nil as Int?)
                writer.member("o", object: { $0.member("k", 1) })
                writer.member("e", array: { _ in })
                writer.member("l", strings: ["a", "b"])
                writer.member("r", raw: Array("[1, 2]".utf8))
                writer.member("z", rawOrNull: nil)
                writer.member(
                    "m",
                    array: { inner in
                        inner.object { _ in }
                        inner.null()
                        inner.array { $0.int(UInt8(7)) }
                    })
            }
        }
        #expect(
            text == #"{"s":"x","i":-12,"d":0.5,"b":true,"n":null,"o":{"k":1},"e":[],"l":["a","b"],"r":[1, 2],"z":null,"#
                + #""m":[{},null,[7]]}"#)
    }

    @Test(
        arguments: [
            (0, "0"), (-0.0, "0"), (5, "5"), (-17, "-17"), (3600.0, "3600"), (0.1, "0.1"), (1e15, "1000000000000000"),
            (1e16, "1e+16"), (1e300, "1e+300"), (.nan, "null"), (.infinity, "null"), (-.infinity, "null"),
            (-2.5, "-2.5"),
            (9_007_199_254_740_991, "9007199254740991"),
        ] as [(Double, String)])
    func writesNumbers(_ number: Double, _ text: String) {
        #expect(written { $0.double(number) } == text)
    }

    @Test(arguments: [Int.min, Int.max, 0, -1, 9, 10, 99, 100, 1_234_567_890])
    func writesWholeNumbers(_ number: Int) {
        #expect(written { $0.int(number) } == String(number))
    }

    @Test(arguments: [
        ("", #""""#), ("plain", #""plain""#), ("q\"b\\s/", #""q\"b\\s/""#), ("\u{8}\t\n\u{c}\r", #""\b\t\n\f\r""#),
        ("\0\u{1f}\u{7f}", "\"\\u0000\\u001f\u{7f}\""), ("é€😀", "\"é€😀\""),
    ])
    func escapesStrings(_ value: String, _ text: String) {
        #expect(written { $0.string(value) } == text)
        #expect(written { $0.string(utf8: Array(value.utf8)) } == text)
    }

    @Test func writesUnsignedNumbersOfAllBits() {
        #expect(written { $0.int(UInt64.max) } == "18446744073709551615")
    }

    @Test func escapesAsContractsDo() {
        var writer = JSONWriter(escapes: .numeric)
        writer.string("\u{8}\t\n\u{c}\r\0")
        #expect(String(decoding: writer.bytes, as: UTF8.self) == #""\u0008\t\n\u000c\r\u0000""#)
    }

    @Test func replacesIllFormedUTF8() throws {
        let bytes: [UInt8] = [0x61, 0xFF, 0xC3, 0xA9, 0xED, 0xA0, 0x80, 0x0A, 0xE2, 0x82]
        let text = written { $0.string(utf8: bytes) }
        #expect(text == "\"a\u{FFFD}é\u{FFFD}\u{FFFD}\u{FFFD}\\n\u{FFFD}\u{FFFD}\"")
        try JSONScanner.validate(Array(text.utf8))
    }

    @Test func roundTripsTrees() throws {
        let tree: JSONValue = [
            "a": [1, -2.5, "x\n😀", true, nil, [:], []], "b": ["c": ["d": 1e300]], "é\"": 9_223_372_036_854_775_807,
        ]
        #expect(try JSONValue(decoding: tree.encoded) == tree)
        #expect(tree["a"]?[1]?.double == -2.5)
        #expect(tree["a"]?[0]?.double == 1)
        #expect(tree["a"]?[9] == nil)
        #expect(String(decoding: (["b": 1, "a": []] as JSONValue).encoded, as: UTF8.self) == #"{"a":[],"b":1}"#)
    }
}
