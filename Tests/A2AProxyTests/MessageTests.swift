import A2AProxy
import Foundation
import HTTPCore
import Testing
import UVHTTPServer

@Suite struct MessageTests {
    private func normalised(_ text: String) throws -> AgentRequest {
        try AgentRequest(normalising: Array(text.utf8)) { "fresh" }
    }

    private func text(_ message: AgentRequest) -> String { String(decoding: message.bytes, as: UTF8.self) }

    @Test func passesACompleteRequestThroughByteForByte() throws {
        let body = #"""
            { "jsonrpc":"2.0", "id" : 7,"method":"message/send","params":{"message":{"messageId":"m\u0031",
              "contextId":"c","role":"user","parts":[{"kind":"text","text":"größe 👋"}],"metadata":{"x":1.0}}}, "more":[1.50,2e3] }
            """#
        let message = try normalised(body)
        #expect(text(message) == body)
        #expect(message.method == "message/send")
        #expect(message.messageID == "m1")
        #expect(message.contextID == "c")
    }

    @Test func wrapsWhatHasNoEnvelope() throws {
        let message = try normalised(#"{"method":"message/send","params":{"message":{"messageId":"initial-1"}}}"#)
        #expect(
            text(message)
                == #"{"jsonrpc":"2.0","id":"fresh","method":"message/send","params":{"message":{"messageId":"initial-1"}}}"#
        )
    }

    @Test(arguments: [
        #"{"role":"user"}"#, #"{"messageId":null,"role":"user"}"#, #"{"messageId":"","role":"user"}"#, "{}",
    ])
    func fillsInAMissingMessageID(_ inner: String) throws {
        let message = try normalised(
            #"{"jsonrpc":"2.0","id":1,"method":"message/send","params":{"message":\#(inner)}}"#)
        #expect(message.messageID == "fresh")
        #expect(text(message).contains(#""messageId":"fresh""#))
        #expect(text(message).contains(#""id":1"#))
    }

    @Test func refusesMethodNamesThatAreTooLong() throws {
        func message(_ count: Int) throws -> AgentRequest {
            try normalised(#"{"jsonrpc":"2.0","id":1,"method":"\#(String(repeating: "m", count: count))"}"#)
        }
        #expect(try message(256).method.count == 256)
        let refusal = #expect(throws: AgentRequest.Malformed.tooLong("method", limit: 256)) { try message(257) }
        #expect(refusal?.apiError.field == "method")
    }

    @Test(
        "A member that is read stands once",
        arguments: [
            (#"{"method":"a","method":"b"}"#, "method"), (#"{"method":"a","params":{},"params":{}}"#, "params"),
            (#"{"jsonrpc":"2.0","jsonrpc":"2.0","method":"a"}"#, "jsonrpc"),
            (#"{"jsonrpc":"2.0","id":1,"\u0069d":2,"method":"a"}"#, "id"),
            (#"{"method":"a","params":{"message":{},"message":{}}}"#, "message"),
            (#"{"method":"a","params":{"message":{"messageId":"1","messageId":"2"}}}"#, "messageId"),
            (#"{"method":"a","params":{"message":{"contextId":"1","contextId":"1"}}}"#, "contextId"),
            (
                #"{"method":"a","params":{"message":{"metadata":{"delegation_id":"1","delegation_id":"2"}}}}"#,
                "delegation_id"
            ),
            (#"{"method":"a","params":{"metadata":{},"metadata":{}}}"#, "metadata"),
        ])
    func repeated(_ body: String, _ field: String) throws {
        let refusal = #expect(throws: AgentRequest.Malformed.repeated(field)) { try normalised(body) }
        #expect(refusal?.apiError.status == .badRequest && refusal?.apiError.field == field)
        // Members that are never read may be repeated.
        _ = try normalised(#"{"method":"a","x":1,"x":2,"params":{"y":1,"y":2,"message":{"parts":[],"z":0,"z":1}}}"#)
    }

    @Test(arguments: ["messageId", "contextId"])
    func refusesIDsThatNoIndexTakes(_ field: String) throws {
        func message(_ id: String) throws -> AgentRequest {
            try normalised(#"{"method":"message/send","params":{"message":{"\#(field)":"\#(id)"}}}"#)
        }
        _ = try message(String(repeating: "ß", count: 255))
        let refusal = #expect(throws: AgentRequest.Malformed.tooLong(field, limit: 255)) {
            try message(String(repeating: "ß", count: 256))
        }
        #expect(refusal?.apiError.field == field)
        #expect(refusal?.apiError.status == .badRequest)
    }

    /// Changed, they would be other ids, perhaps another message's.
    @Test(arguments: [#"n1\u0000"#, #"\ud800"#, #"x\udc00\ud800"#], ["messageId", "contextId", "method"])
    func refusesWhatCannotBeStored(_ text: String, _ field: String) throws {
        func refusal(_ method: String, _ message: String) -> AgentRequest.Malformed? {
            #expect(throws: AgentRequest.Malformed.self) {
                try normalised(#"{"method":"\#(method)","params":{"message":{\#(message)}}}"#)
            }
        }
        let refused = field == "method" ? refusal(text, "") : refusal("message/send", #""\#(field)":"\#(text)""#)
        #expect(refused == .notStorable(field))
        #expect(refused?.apiError.field == field)
        #expect(refused?.apiError.status == .badRequest)
    }

    @Test func otherTextsMayHaveEscapedNULsButNoHalfSurrogates() throws {
        func body(_ text: String) -> String {
            #"{"method":"message/send","params":{"message":{"messageId":"m","parts":[{"text":"\#(text)"}]}}}"#
        }
        #expect(try normalised(body(#"\u0000"#)).messageID == "m")
        #expect(throws: AgentRequest.Malformed.invalidJSON) { try normalised(body(#"\ud800"#)) }
        #expect(
            try normalised(#"{"method":"x","params":{"message":{"messageId":"n1\ufffd"}}}"#).messageID == "n1\u{FFFD}")
    }

    @Test func leavesOtherMethodsAlone() throws {
        let body = #"{"jsonrpc":"2.0","id":1,"method":"tasks/get","params":{"id":"t"}}"#
        let message = try normalised(body)
        #expect(text(message) == body)
        #expect(message.messageID == nil)
        #expect(message.canWait)
    }

    @Test func onlyASendCarriesAMessage() throws {
        func carries(_ method: String) throws -> Bool {
            try normalised(#"{"jsonrpc":"2.0","method":"\#(method)","params":{"message":{"messageId":"m"}}}"#)
                .carriesMessage
        }
        for method in ["message/send", "message/stream", "SendMessage", "SendStreamingMessage"] {
            #expect(try carries(method))
        }
        for method in ["tasks/get", "nope", ""] { #expect(try !carries(method)) }
    }

    @Test(arguments: ["tasks/resubscribe", "SubscribeToTask"])
    func listeningOnMakesNoSenseLater(_ method: String) throws {
        #expect(try !normalised(#"{"jsonrpc":"2.0","method":"\#(method)","params":{}}"#).canWait)
    }

    @Test(arguments: ["message/stream", "SendStreamingMessage", "SendMessage"])
    func messagesMayWait(_ method: String) throws {
        let message = try normalised(
            #"{"jsonrpc":"2.0","method":"\#(method)","params":{"message":{"messageId":"m"}}}"#)
        #expect(message.canWait)
        #expect(message.messageID == "m")
    }

    @Test(arguments: [
        #"{"params":{"message":{"messageId":"m","metadata":{"delegation_id":"6F9619FF-8B86-D011-B42D-00CF4FC964FF"}}}}"#,
        #"{"params":{"message":{"messageId":"m"},"metadata":{"delegation_id":"6f9619ff-8b86-d011-b42d-00cf4fc964ff"}}}"#,
    ])
    func findsTheDelegation(_ body: String) throws {
        #expect(try normalised(body).links.delegationID?.uuidString == "6F9619FF-8B86-D011-B42D-00CF4FC964FF")
    }

    @Test(arguments: ["", "[]", "1", "null", #""text""#, "{", #"{"a":}"#, #"{"a":1}x"#, "\u{0}"])
    func refusesWhatIsNoObject(_ body: String) {
        #expect(throws: AgentRequest.Malformed.invalidJSON) { try normalised(body) }
    }

    @Test func refusesABombAndBadUTF8() {
        let bomb = String(repeating: #"{"a":"#, count: 5000) + "1" + String(repeating: "}", count: 5000)
        #expect(throws: AgentRequest.Malformed.self) { try normalised(bomb) }
        #expect(throws: AgentRequest.Malformed.self) {
            try AgentRequest(normalising: Array(#"{"a":""#.utf8) + [0xFF, 0xFE] + Array(#""}"#.utf8))
        }
    }
}
