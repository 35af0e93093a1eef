import JSONBytes
import Testing

@Suite("The texts in JSON")
struct TextTests {
    private func texts(_ json: [UInt8], rest: Bool = false) -> [String] {
        var (found, scratch): ([String], [UInt8]) = ([], [])
        _ = json.withUnsafeBufferPointer { bytes in
            bytes.containsJSONText(includesRest: rest, scratch: &scratch) { text in
                found.append(String(decoding: text, as: UTF8.self))
                return false
            }
        }
        return found
    }

    @Test(
        "are the strings as they read, without names",
        arguments: [
            (#"{"name":"value","list":["a","b"], "n" : "c" }"#, ["value", "a", "b", "c"]),
            (#""alone""#, ["alone"]),
            (#"["",{"":""}]"#, ["", ""]),
            (#"["a\"b\\c\/d\n\t\r\b\f"]"#, ["a\"b\\c/d\n\t\r\u{8}\u{C}"]),
            (#"["gr\u00fc\u00DFe \ud83d\ude00"]"#, ["grüße 😀"]),
            (
                "[\"größe 😀 and a text that is longer than eight bytes\"]",
                ["größe 😀 and a text that is longer than eight bytes"]
            ),
            (#"["\\", "\\\"", "x"]"#, ["\\", "\\\"", "x"]),
            // Postgres takes halves of pairs in JSON.
            (
                #"["\ud83d", "\ude00x", "\ud83dy", "\ud83d\u0041"]"#,
                ["\u{FFFD}", "\u{FFFD}x", "\u{FFFD}y", "\u{FFFD}A"]
            ),
            ("[1, true, null, -2.5e3]", []),
        ])
    func strings(_ json: String, _ wanted: [String]) {
        #expect(texts(Array(json.utf8)) == wanted)
    }

    @Test("what stands between them is shown when it is asked for")
    func rest() {
        #expect(texts(Array(#"{"a":12,"b":"c"}"#.utf8), rest: true) == ["{", ":12,", ":", "c", "}"])
    }

    @Test("nothing is read beyond bytes that are no JSON")
    func broken() {
        let json = Array(#"{"name":"va\u00fclue \ud83d\ude00","l":["a\\","b\""]}"#.utf8)
        for start in json.indices {
            for end in start...json.count {
                // A copy, so that a read beyond it is one of foreign memory.
                _ = texts(Array(json[start..<end]), rest: true)
            }
        }
    }
}
