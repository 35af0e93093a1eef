import A2AProxy
import AgentResponses
import Foundation
import Testing

@Suite("What an agent made of a message that waited") struct AgentResultTests {
    private func read(_ text: String, _ version: JSONRPCRequest.Version = .v03) -> AgentResult {
        AgentResult(Array(text.utf8), in: version)
    }

    @Test func aTaskAtItsEndIsKeptInItsVersion() {
        let old = #"{"kind":"task","id":"t","status":{"state":"completed"}}"#
        #expect(read(#"{"result":\#(old)}"#) == .task(id: "t", final: Array(old.utf8)))
        #expect(read(#"{"result":\#(old)}"#, .v1) == .task(id: "t", final: nil))
        let new = #"{"id":"t","status":{"state":"TASK_STATE_FAILED"}}"#
        #expect(read(#"{"result":{"task":\#(new)}}"#, .v1) == .task(id: "t", final: Array(new.utf8)))
        #expect(read(#"{"result":{"task":\#(new)}}"#) == .task(id: "t", final: nil))
    }

    @Test(arguments: ["working", "input-required", "submitted", "unknown"])
    func aTaskThatGoesOnIsPolled(_ state: String) {
        let response = #"{"result":{"kind":"task","id":"t","status":{"state":"\#(state)"}}}"#
        #expect(read(response) == .task(id: "t", final: nil))
    }

    @Test func messagesErrorsAndOtherWords() {
        let message = #"{"kind":"message","messageId":"m","role":"agent","parts":[{"kind":"text","text":"hi"}]}"#
        #expect(read(#"{"result":\#(message)}"#) == .message(Array(message.utf8)))
        #expect(read(#"{"result":\#(message)}"#, .v1) == .text("hi"))
        #expect(read(#"{"error":{"code":-32603,"message":"boom"}}"#) == .failed("boom"))
        #expect(read(#"{"result":{"parts":[{"type":"text","text":"hello"}]}}"#) == .text("hello"))
        #expect(read("not JSON") == .text("not JSON"))
    }

    @Test func aStreamNamesItsTask() {
        let update = #"data: {"result":{"kind":"status-update","taskId":"t","status":{"state":"working"}}}"#
        let end = #"data: {"result":{"kind":"task","id":"t","status":{"state":"completed"}}}"#
        #expect(read("\(update)\r\n\r\n\(end)\r\n\r\n") == .task(id: "t", final: nil))
        let new = #"data:{"result":{"statusUpdate":{"taskId":"t"}}}"#
        #expect(read(": ping\n\n\(new)\n\n\(new)\n\n", .v1) == .task(id: "t", final: nil))
        #expect(read("data: {\"error\":{\"message\":\"boom\"}}\n\n") == .failed("boom"))
    }

    @Test(arguments: ["\n", "\r\n", "\r"]) func anEventMayHaveManyLines(_ end: String) {
        let lines = [
            #"data: {"result":"#, ": a comment", #"data:{"kind":"task","#, "id: 7",
            "data: \"id\":\"t\",\"note\":\"a\u{2028}b\u{85}c\u{2029}\"}}", "", "",
        ]
        #expect(read(lines.joined(separator: end)) == .task(id: "t", final: nil))
        // The stream's end ends an event as well.
        #expect(read(lines.dropLast(2).joined(separator: end)) == .task(id: "t", final: nil))
    }

    @Test func theWordsOfAStreamAreItsLast() {
        let stream = ["one", "two"].map { #"data: {"result":{"parts":[{"kind":"text","text":"\#($0)"}]}}"# + "\n\n" }
        #expect(ResponseText.extract(from: Array(stream.joined().utf8)) == "two")
        #expect(ResponseText.extract(from: Array("data: plain\n\n".utf8)) == "data: plain\n\n")
    }
}
