import JSONBytes
import Testing

@Suite struct SpliceTests {
    private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }
    private func slice(_ text: String) throws -> JSONSlice { try JSONSlice(validating: Array(text.utf8)) }

    @Test(arguments: [
        (#"{"params":{"message":{"role":"user"}}}"#, #"{"params":{"message":{"messageId":"m\"1","role":"user"}}}"#),
        (#"{"params":{"message":{}}}"#, #"{"params":{"message":{"messageId":"m\"1"}}}"#),
        (#"{"params":{"message":{ } } }"#, #"{"params":{"message":{"messageId":"m\"1" } } }"#),
        (#"{"params":{"message":{"messageId":null,"a":1}}}"#, #"{"params":{"message":{"messageId":"m\"1","a":1}}}"#),
        (
            #"{"params":{"message":{"messageId":"x","messageId":7}}}"#,
            #"{"params":{"message":{"messageId":"x","messageId":"m\"1"}}}"#
        ),
        (
            #" {"params":1,"params":{"message":{"a":[1,2,{}]}},"z":"é"} "#,
            #" {"params":1,"params":{"message":{"messageId":"m\"1","a":[1,2,{}]}},"z":"é"} "#
        ),
    ])
    func setsAMember(_ before: String, _ after: String) throws {
        let changed = try slice(before).setting(["params", "message", "messageId"], toString: "m\"1")
        #expect(text(changed) == after)
        try JSONScanner.validate(try #require(changed))
    }

    @Test(arguments: [#"{"params":{"message":[]}}"#, #"{"params":{}}"#, "[]", "{}", #"{"params":"message"}"#])
    func setsNothingWhereTheWayEnds(_ before: String) throws {
        #expect(try slice(before).setting(["params", "message", "messageId"], toString: "m") == nil)
    }

    @Test func wrapsAMethodIntoAnEnvelope() throws {
        let body = try JSONObject(
            validating: Array(#"{ "params" : {"a": [1, 2]}, "method": "message/send", "x": 1 }"#.utf8))
        #expect(
            text(body.wrappedInEnvelope(id: "7"))
                == #"{"jsonrpc":"2.0","id":"7","method":"message/send","params":{"a": [1, 2]}}"#)
        let empty = try JSONObject(validating: Array("{}".utf8))
        #expect(text(empty.wrappedInEnvelope(id: "7")) == #"{"jsonrpc":"2.0","id":"7","method":null,"params":null}"#)
    }
}
