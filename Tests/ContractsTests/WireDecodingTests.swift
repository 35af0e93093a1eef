import Foundation
import Testing

@testable import Contracts

/// What is taken from requests, and what is said about those that are wrong.
@Suite struct WireDecodingTests {
    @Test func heartbeatNeedsOnlyItsWorkspace() throws {
        let id = UUID()
        let beat = try WireJSON.decode(HeartbeatRequest.self, from: #"{"workspace_id":"\#(id)","x":[1]}"#.utf8)
        #expect(beat == HeartbeatRequest(workspaceID: id))
        let nulls = #"{"workspace_id":"\#(id)","error_rate":null,"sample_error":null,"runtime_metadata":null}"#
        #expect(try WireJSON.decode(HeartbeatRequest.self, from: nulls.utf8) == beat)
    }

    @Test func heartbeatOfAnExistingAgent() throws {
        let body = #"""
            {"workspace_id": "3f2504e0-4f89-41d3-9a0c-0305e82c3301", "error_rate": 0, "sample_error": "",
             "active_tasks": 1, "current_task": "t", "uptime_seconds": 12, "runtime_state": "wedged",
             "runtime_metadata": {"capabilities": {"heartbeat": true, "scheduler": false, "session": true,
             "flies": true, "retry": "yes"}, "idle_timeout_seconds": 600}}
            """#
        let beat = try WireJSON.decode(HeartbeatRequest.self, from: body.utf8)
        #expect(beat.activeTasks == 1 && beat.runtimeState == "wedged" && beat.uptimeSeconds == 12)
        #expect(beat.runtimeMetadata?.capabilities == [.heartbeat, .session])
        #expect(beat.runtimeMetadata?.idleTimeoutSeconds == 600)
    }

    @Test(
        arguments: [
            ("", nil, "is not valid JSON"),
            ("{", nil, "is not valid JSON"),
            ("[]", nil, "must be an object"),
            ("{}", "name", "is required"),
            (#"{"name":null}"#, "name", "is required"),
            (#"{"name":1}"#, "name", "must be a string"),
            (#"{"name":"a","tier":"x"}"#, "tier", "must be a whole number"),
            (#"{"name":"a","external":1}"#, "external", "must be a boolean"),
            (#"{"name":"a","parent_id":"x"}"#, "parent_id", "must be a UUID"),
            (#"{"name":"a","parent_id":5}"#, "parent_id", "must be a string"),
            (#"{"name":"a","canvas":{"x":"1"}}"#, "canvas.x", "must be a number"),
            (#"{"name":"a","canvas":5}"#, "canvas", "must be an object"),
        ] as [(String, String?, String)])
    func mistakesAreNamed(_ body: String, _ field: String?, _ reason: String) {
        #expect(throws: WireError(field: field, reason: reason)) {
            try WireJSON.decode(CreateWorkspaceRequest.self, from: body.utf8)
        }
    }

    @Test(
        "A member that is read must stand once, however its name is written",
        arguments: [
            (#"{"name":"a","name":"a"}"#, "name"), (#"{"name":"a","tier":1,"t\u0069er":2}"#, "tier"),
            (#"{"name":"a","url":null,"url":"http://a"}"#, "url"),
            (#"{"name":"a","canvas":{"x":1,"x":1}}"#, "canvas.x"),
            (#"{"name":"a","parent_id":"x","parent_id":"y"}"#, "parent_id"),
        ])
    func repetitionsAreRefused(_ body: String, _ field: String) throws {
        #expect(throws: WireError(field: field, reason: "must be given once")) {
            try WireJSON.decode(CreateWorkspaceRequest.self, from: body.utf8)
        }
    }

    @Test func repetitionsOfOtherMembersAreIgnored() throws {
        let body = #"{"x":1,"x":2,"name":"a","nam\u0065s":0,"canvas":{"z":1,"z":{}}}"#
        #expect(try WireJSON.decode(CreateWorkspaceRequest.self, from: body.utf8).name == "a")
        #expect(throws: WireError.self) {
            try WireJSON.decode(UpdateWorkspaceRequest.self, from: #"{"role":"a","role":null}"#.utf8)
        }
        #expect(throws: WireError.self) {
            try WireJSON.decode(
                HeartbeatRuntimeMetadata.self, from: #"{"capabilities":{"session":true,"session":false}}"#.utf8)
        }
    }

    @Test(arguments: [
        (#""a\"\\\/\b\f\n\r\tz""#, "a\"\\/\u{8}\u{C}\n\r\tz"), (#""\u00E9\ud83d\uDE00é😀""#, "é😀é😀"),
        (#""\u0000""#, "\0"), ("\"\"", ""),
    ])
    func texts(_ json: String, _ text: String) throws {
        #expect(try WireJSON.decode(String.self, from: json.utf8) == text)
        #expect(try WireJSON.decode([String].self, from: "[\(json) , \(json)]".utf8) == [text, text])
        #expect(try WireJSON.decode([String: String].self, from: "{\(json):\(json)}".utf8) == [text: text])
    }

    @Test(arguments: [#""\ud800""#, #""\udc00""#, #""\ud800\n""#, #""\ud800\u0041""#, #""\ud800a""#])
    func halvesOfPairsAreNoText(_ json: String) {
        #expect(throws: WireError.self) { try WireJSON.decode(String.self, from: json.utf8) }
    }

    @Test func numbers() throws {
        #expect(
            try WireJSON.decode([Int].self, from: "[3.0, 3e2 ,-0,9223372036854775807]".utf8) == [3, 300, 0, .max])
        #expect(try WireJSON.decode([UInt64].self, from: "[18446744073709551615]".utf8) == [.max])
        #expect(try WireJSON.decode([Double].self, from: "[1.5e-3,7,-0.25]".utf8) == [0.0015, 7, -0.25])
        #expect(try WireJSON.decode([Int?].self, from: "[1,null]".utf8) == [1, nil])
        for wrong in ["1.5", "9223372036854775808", "1e999", #""1""#, "true"] {
            #expect(throws: WireError(field: "tier", reason: "must be a whole number"), "\(wrong)") {
                try WireJSON.decode(CreateWorkspaceRequest.self, from: #"{"name":"a","tier":\#(wrong)}"#.utf8)
            }
        }
        #expect(throws: WireError(field: "canvas.x", reason: "must be a number")) {
            try WireJSON.decode(CreateWorkspaceRequest.self, from: #"{"name":"a","canvas":{"x":1e999}}"#.utf8)
        }
    }

    @Test func illFormedUTF8IsNoBody() {
        let body = Array(#"{"name":"a","x":""#.utf8) + [0xFF] + Array(#""}"#.utf8)
        #expect(throws: WireError(field: nil, reason: "is not valid JSON")) {
            try WireJSON.decode(CreateWorkspaceRequest.self, from: body)
        }
    }

    @Test func mistakesInListsAreNamed() {
        #expect(throws: WireError(field: "attachments[1].uri", reason: "must be a string")) {
            try WireJSON.decode(
                NotifyRequest.self, from: #"{"message":"m","attachments":[{"uri":"a","name":"b"},{"uri":1}]}"#.utf8)
        }
    }

    @Test func aPatchKeepsNothingAndNullApart() throws {
        let patch = try WireJSON.decode(
            UpdateWorkspaceRequest.self, from: #"{"name":"n","parent_id":null,"collapsed":false}"#.utf8)
        #expect(patch.name == .set("n"))
        #expect(patch.parentID == .clear)
        #expect(patch.collapsed == .set(false))
        #expect(patch.role == .unchanged && !patch.role.isPresent && patch.parentID.isPresent)
        let again = String(decoding: try WireJSON.encode(patch), as: UTF8.self)
        #expect(again == #"{"name":"n","parent_id":null,"collapsed":false}"#)
    }

    @Test func cardsAreKeptWhateverTheyHold() throws {
        let body = #"""
            {"id":"3f2504e0-4f89-41d3-9a0c-0305e82c3301","url":"http://a",
             "agent_card":{"n":[1,2.5,-7,18446744073709551615,true,null,"ü\n"],"o":{"a/b":{}}}}
            """#
        let card = try WireJSON.decode(RegisterRequest.self, from: body.utf8).agentCard
        #expect(card.isObject)
        #expect(
            String(decoding: card.bytes, as: UTF8.self)
                == #"{"n":[1,2.5,-7,18446744073709551615,true,null,"ü\n"],"o":{"a/b":{}}}"#)
        #expect(try JSONDecoder().decode(RegisterRequest.self, from: Data(body.utf8)).agentCard.isObject)
        let expected = try JSONSerialization.jsonObject(with: Data(body.utf8)) as? NSDictionary
        let actual = try JSONSerialization.jsonObject(with: Data(card.bytes)) as? NSDictionary
        #expect(actual == expected?["agent_card"] as? NSDictionary)
        #expect(RawJSON(Array("[1] 2".utf8)) == nil)
        #expect(RawJSON(Array(" [1] ".utf8))?.isObject == false)
    }

    @Test("Coders that know no bytes get the value, and give it back")
    func otherCodersSeeTheValue() throws {
        let text = #"{"n":[1,2.5,-7,18446744073709551615,true,null,"ü\n"],"o":{"a/b":{}},"e":[]}"#
        let other = try JSONEncoder().encode(RawJSON(unchecked: Array(text.utf8)))
        let expected = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? NSDictionary
        #expect(try JSONSerialization.jsonObject(with: other) as? NSDictionary == expected)
        let back = try JSONDecoder().decode(RawJSON.self, from: other)
        #expect(try JSONSerialization.jsonObject(with: Data(back.bytes)) as? NSDictionary == expected)
        #expect(throws: (any Error).self) { try JSONEncoder().encode(RawJSON(unchecked: Array("[1e999]".utf8))) }
    }

    @Test(arguments: [
        "null", "true", "false", "0", "-0", "1.5e+10", "1E-2", #""""#, #""\u00e9\"\\\/\b\f\n\r\t""#, "[]", "{}",
        #" { "a" : [ 1 , { } ] } "#,
    ])
    func oneValue(_ text: String) {
        #expect(RawJSON(Array(text.utf8)) != nil)
    }

    @Test(arguments: [
        "", " ", "nul", "True", "01", "1.", ".5", "+1", "1e", "-", #"""#, #""\x""#, #""\u12g4""#, "\"\n\"", "[1,]",
        "[,1]",
        "[1 2]", "{\"a\"}", "{\"a\":}", "{a:1}", "{\"a\":1,}", "[", "]", "{", "1 1", "[1]]", "'a'", "NaN",
    ])
    func noValue(_ text: String) {
        #expect(RawJSON(Array(text.utf8)) == nil)
    }

    @Test func invalidUTF8AndBombsAreNoValue() {
        #expect(RawJSON([0x22, 0xFF, 0x22]) == nil)
        #expect(RawJSON([0x22, 0xED, 0xA0, 0x80, 0x22]) == nil)
        #expect(RawJSON([UInt8](repeating: UInt8(ascii: "["), count: 100_000)) == nil)
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        #expect(RawJSON(Array(deep.utf8)) == nil)
    }
}
