import Foundation
import JSONBytes
import Testing

@testable import Notifier

@Suite("What a search finds")
struct SearchTextTests {
    private func isFound(_ text: String, inJSON json: String) throws -> Bool {
        var scratch = SearchText.Scratch()
        let search = try #require(SearchText(text))
        return Array(json.utf8).withUnsafeBufferPointer { search.isFound(inJSON: $0, scratch: &scratch) }
    }

    @Test(
        "is the text as it reads, however JSON spells it",
        arguments: [
            ("Größe", #"{"t":"Gr\u00f6\u00dfe"}"#), ("Größe", #"{"t":"die Größe"}"#), ("größe", #"{"t":"GRÖßE"}"#),
            ("😀", #"{"t":"\ud83d\ude00"}"#), (#"say "hi""#, #"{"t":"They say \"hi\"."}"#),
            (#"C:\new"#, #"{"t":"C:\\new\\file"}"#), ("one\ntwo", #"{"t":"one\ntwo"}"#),
            ("one\r\ntwo", #"{"t":"one\ntwo"}"#), ("one\ntwo", #"{"t":"one\r\ntwo"}"#),
            ("a\tb", #"{"t":"a\tb"}"#), ("http://x/y", #"{"t":"http:\/\/x\/y"}"#), ("NEEDLE", #"["needle"]"#),
            ("needle", #"["a nEEdle in hay"]"#), ("100%", #"["100% sure"]"#), ("a_b", #"["a_b"]"#),
            ("e\u{301}", #"["caf\u00e9"]"#), ("é", "[\"cafe\u{301}\"]"), ("42", #"{"exit":42}"#), ("-1.5", "[-1.5]"),
            ("aab", #"["aaab"]"#), ("abcabd", #"["abcabcabd"]"#), ("two words", #"["two words"]"#),
            ("Größe\nzwei", #"["GRÖßE\r\nZWEI"]"#), ("中文", #"["\u4e2d\u6587"]"#), ("привет", #"["ПРИВЕТ"]"#),
        ])
    func found(_ text: String, _ json: String) throws {
        #expect(try isFound(text, inJSON: json))
    }

    @Test(
        "is not what only JSON's form spells",
        arguments: [
            ("ew", #"["\u0065"]"#), ("u00f6", #"["Gr\u00f6sse"]"#), ("needle", #"["nee","dle"]"#),
            ("task", #"{"task":"one"}"#), (#"\n"#, #"["a\nb"]"#), (#"":"#, #"{"a":"b"}"#), ("[", #"["x"]"#),
            ("a%b", #"["axb"]"#), ("a_b", #"["axb"]"#), ("two  words", #"["two words"]"#), ("nb", #"["a\nb"]"#),
            ("ö", #"["o"]"#), ("é", #"["e"]"#), ("long", #"["lon"]"#), ("x", "[]"), ("true", "[true]"),
            ("中文", #"["中国文"]"#), ("Größe", #"["gr\u00f6\u00df"]"#),
        ])
    func notFound(_ text: String, _ json: String) throws {
        #expect(try !isFound(text, inJSON: json))
    }

    @Test("is anything for an empty query", arguments: ["", " ", "  ", "\t\n", "\u{A0}\u{2003}"])
    func blank(_ text: String) {
        #expect(SearchText(text) == nil)
    }

    @Test("costs no more where the text nearly has it again and again")
    func repeated() throws {
        let text = String(repeating: "a", count: 1 << 20)
        let search = String(repeating: "a", count: SearchText.limit - 1)
        // With a comparison from each place this would be a thousand million steps, minutes of an unoptimised build.
        #expect(try !isFound(search + "b", inJSON: "\"\(text)\""))
        #expect(try isFound(search + "b", inJSON: "\"\(text)b\""))
    }
}
