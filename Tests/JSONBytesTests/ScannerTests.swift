import JSONBytes
import Testing

/// What is JSON and what is not, byte by byte.
@Suite struct ScannerTests {
    @Test(arguments: [
        "{}", "[]", "0", "-0", "null", "true", "false", "\"\"", " \t\r\n1 \n", "1.5", "-1.5e10", "1E+2", "1e-2", "0.0",
        "[1,2,[3,{}]]", "{\"a\":{\"b\":[null,true,false]}}", "{\"\":1}", "{\"a\":1,\"a\":2}", "[ ]", "{ }",
        "{ \"a\" : 1 , \"b\" : [ ] }", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\u0041\\u00e9\\uFFFF\"",
        "\"\\ud83d\\uDE00\"",
        "\"\\u0000\"", "\"é€😀\u{7f}\"", "\"\u{FFFF}\u{10FFFF}\u{E000}\u{D7FF}\"", "1e400",
        "123456789012345678901234567890", "\"12345678\"", "\"1234567\\n12345678\"",
    ])
    func accepts(_ text: String) throws {
        try JSONScanner.validate(Array(text.utf8))
    }

    @Test(
        arguments: [
            ("", .unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("{", .unexpectedEnd, 1), ("[", .unexpectedEnd, 1),
            ("[1", .unexpectedEnd, 2), ("[1,", .unexpectedEnd, 3), ("{\"a\"", .unexpectedEnd, 4),
            ("{\"a\":", .unexpectedEnd, 5), ("{\"a\":1", .unexpectedEnd, 6), ("{\"a\":1,", .unexpectedEnd, 7),
            ("\"abc", .unexpectedEnd, 4), ("\"abcdefghijk", .unexpectedEnd, 12), ("\"\\", .unexpectedEnd, 2),
            ("\"\\u12", .unexpectedEnd, 5), ("tru", .unexpectedEnd, 3), ("-", .unexpectedEnd, 0),
            ("1.", .unexpectedEnd, 0),
            ("1e", .unexpectedEnd, 0), ("1e+", .unexpectedEnd, 0),
            ("[1,]", .unexpectedByte, 3), ("{\"a\":1,}", .unexpectedByte, 7), ("[,1]", .unexpectedByte, 1),
            ("{,}", .unexpectedByte, 1), ("[1 2]", .unexpectedByte, 3), ("{\"a\" 1}", .unexpectedByte, 5),
            ("{a:1}", .unexpectedByte, 1), ("{1:1}", .unexpectedByte, 1), ("{'a':1}", .unexpectedByte, 1),
            ("[1}", .unexpectedByte, 2), ("{\"a\":1]", .unexpectedByte, 6), ("]", .unexpectedByte, 0),
            ("[[1},2]", .unexpectedByte, 3), ("{\"a\":[1}}", .unexpectedByte, 7),
            ("{\"a\":{\"b\":1]}", .unexpectedByte, 11),
            ("NaN", .unexpectedByte, 0), ("Infinity", .unexpectedByte, 0), ("nul1", .unexpectedByte, 0),
            ("True", .unexpectedByte, 0), ("+1", .unexpectedByte, 0), (".5", .unexpectedByte, 0),
            ("// c\n1", .unexpectedByte, 0), ("\u{feff}{}", .unexpectedByte, 0), ("{\"a\"::1}", .unexpectedByte, 5),
            ("\u{0b}1", .unexpectedByte, 0), ("\u{a0}1", .unexpectedByte, 0),
            ("01", .invalidNumber, 0), ("-01", .invalidNumber, 0), ("1.e5", .invalidNumber, 0),
            ("[-]", .invalidNumber, 1),
            ("[1e]", .invalidNumber, 1), ("[-a]", .invalidNumber, 1),
            ("1 2", .trailingBytes, 2), ("{}{}", .trailingBytes, 2), ("{}x", .trailingBytes, 2),
            ("0x10", .trailingBytes, 1),
            ("\"a\nb\"", .controlCharacter, 2), ("\"12345678\u{1f}\"", .controlCharacter, 9),
            ("\"\0\"", .controlCharacter, 1),
            ("\"\\x\"", .invalidEscape, 1), ("\"\\u12G4\"", .invalidEscape, 1), ("\"\\U0041\"", .invalidEscape, 1),
            ("\"\\ud800\"", .loneSurrogate, 1), ("\"\\udc00\"", .loneSurrogate, 1),
            ("\"\\ud800\\n\"", .loneSurrogate, 1),
            ("\"\\ud800\\ud800\"", .loneSurrogate, 1), ("\"\\ud800x\"", .loneSurrogate, 1),
            ("\"a\\udc00\\ud800\"", .loneSurrogate, 2),
        ] as [(String, JSONError.Kind, Int)])
    func refuses(_ text: String, _ kind: JSONError.Kind, _ offset: Int) {
        #expect(throws: JSONError(kind, at: offset)) { try JSONScanner.validate(Array(text.utf8)) }
    }

    @Test(
        "Ill-formed UTF-8 in strings",
        arguments: [
            [0x80], [0xBF], [0xC0, 0xAF], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0xAF], [0xE0, 0x9F, 0xBF],
            [0xE2, 0x82], [0xE2, 0x28, 0xA1], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0xAF],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x9F, 0x98], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE],
            [0xFF],
            [0xF8, 0x88, 0x80, 0x80, 0x80],
        ] as [[UInt8]])
    func refusesIllFormedUTF8(_ piece: [UInt8]) {
        for padding in 0..<9 {
            let document = [0x22] + [UInt8](repeating: 0x61, count: padding) + piece + [0x22]
            #expect(throws: JSONError(.invalidUTF8, at: 1 + padding)) { try JSONScanner.validate(document) }
        }
    }

    @Test func refusesEveryTruncation() throws {
        let whole = Array(
            #"{"a":[1.5e3,"x\u00e9\ud83d\ude00é",{"b":null}],"c":{"d":true},"e":"long enough text"}"#.utf8)
        try JSONScanner.validate(whole)
        for length in 0..<whole.count {
            #expect(throws: JSONError.self) { try JSONScanner.validate(Array(whole[..<length])) }
        }
    }

    @Test(arguments: [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")])
    func boundsTheDepth(_ opening: String, _ closing: String) throws {
        let levels = opening == "[{\"a\":" ? 2 : 1
        func document(_ depth: Int) -> [UInt8] {
            let pieces = depth / levels
            return Array(
                (String(repeating: opening, count: pieces) + "1" + String(repeating: closing, count: pieces)).utf8)
        }
        try JSONScanner.validate(document(64))
        _ = try JSONSlice(validating: document(64))
        #expect { try JSONScanner.validate(document(64 + levels)) } throws: { ($0 as? JSONError)?.kind == .tooDeep }
        #expect { try JSONScanner.validate(document(100_000)) } throws: { ($0 as? JSONError)?.kind == .tooDeep }
        #expect { try JSONObject(validating: Array("{\"x\":".utf8) + document(64)) } throws: {
            ($0 as? JSONError)?.kind == .tooDeep
        }
    }

    @Test("Levels around a value are checked like others, but not counted")
    func wrapping() throws {
        let limit = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        let wrapped = Array(#" [ {"a":1,"b":[\#(limit),2]} , {}, [ ], "s" ] "#.utf8)
        #expect(throws: JSONError.self) { try JSONSlice(validating: wrapped, wrappedIn: 2) }
        let slice = try JSONSlice(validating: wrapped, wrappedIn: 3)
        #expect(slice.elements?.count == 4)
        #expect(slice.elements?.first?.find("b")?.elements?.first?.bytes.count == 128)
        var iterator = try #require(slice.elementIterator)
        #expect(Array(IteratorSequence(iterator)).map(\.kind) == [.object, .object, .array, .string])
        #expect(iterator.next()?.find("a")?.int == 1 && iterator.next()?.kind == .object)
        #expect(slice.elements?[1].elementIterator == nil)
        #expect(throws: JSONError.self) {
            try JSONSlice(validating: Array(#"[{"a":[[\#(limit)]]}]"#.utf8), wrappedIn: 3)
        }
    }

    @Test(arguments: [
        "[1}", "{1}", "{\"a\" 1}", "[1,]", "{\"a\":1,}", "[[1},2]", "[", "{\"a\":", "[1 2]", "{]", "[1]]",
    ])
    func wrappingHasTheSameGrammar(_ text: String) {
        for levels in 0...3 {
            #expect(throws: JSONError.self) { try JSONSlice(validating: Array(text.utf8), wrappedIn: levels) }
        }
    }
}
