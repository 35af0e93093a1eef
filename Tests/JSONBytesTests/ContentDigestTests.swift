import JSONBytes
import Testing

/// Which documents say the same.
@Suite struct ContentDigestTests {
    private func digest(_ text: String) throws -> Int { try JSONSlice(validating: Array(text.utf8)).contentDigest }

    @Test(
        arguments: [
            (#"{"a":1,"b":[true,null]}"#, " { \"b\" : [ true , null ] ,\n\"a\": 1 } "),
            (#"{"a":{"x":1,"y":2}}"#, #"{"a":{"y":2,"x":1}}"#),
            (#""größe/\u00e9""#, "\"gr\\u00f6\\u00dfe\\/é\""), (#""\ud83d\ude00""#, "\"😀\""),
            (#"{"\u0061":1}"#, #"{"a":1}"#), (#"{"a":1,"a":2}"#, #"{"a":2}"#), ("[]", "[ ]"), ("{}", "{ }"),
        ])
    func same(_ one: String, _ other: String) throws {
        #expect(try digest(one) == digest(other))
    }

    @Test func different() throws {
        let documents = [
            "{}", "[]", "null", "true", "false", "0", "1", "1.0", "10", #""""#, #""1""#, #""null""#, "[1]", "[[1]]",
            "[1,2]", "[2,1]", "[12]", "[[],[]]", "[[[]]]", #"["1"]"#, #"{"a":1}"#, #"{"a":"1"}"#, #"{"b":1}"#,
            #"{"a":{}}"#, #"{"a":[]}"#, #"{"a":1,"b":2}"#, #"{"a":2,"b":1}"#, #"{"ab":1}"#, #"[["a",1]]"#,
            #""n1\u0000""#, #""n1\ufffd""#, "\"é\"", "\"e\u{301}\"", "9007199254740993", "9007199254740992",
        ]
        #expect(Set(try documents.map(digest)).count == documents.count)
    }

    @Test func aValueInsideADocumentIsTakenAlone() throws {
        let document = try JSONSlice(validating: Array(#"{"id":7,"params":{"b":2,"a":1},"more":[3]}"#.utf8))
        #expect(try document.find("params")?.contentDigest == digest(#"{"a":1,"b":2}"#))
    }
}

@Suite struct LoneSurrogateTests {
    @Test(
        arguments: [
            (#""\ud800""#, #""\ufffd""#), (#""\udc00\ud800""#, #""\ufffd\ufffd""#),
            (#""\ud83d\ude00""#, #""\ud83d\ude00""#),
            (#""\\ud800""#, #""\\ud800""#), (#""\ud800\ud83d\ude00""#, #""\ufffd\ud83d\ude00""#),
            (#""\ud800\n\u0041""#, #""\ufffd\n\u0041""#), (#""\ud8"#, #""\ud8"#), ("", ""), (#""\"#, #""\"#),
        ])
    func areReplacedInPlace(_ text: String, _ expected: String) {
        #expect(String(decoding: Array(text.utf8).withoutLoneSurrogates, as: UTF8.self) == expected)
    }
}
