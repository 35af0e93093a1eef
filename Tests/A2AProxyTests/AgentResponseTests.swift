import A2AProxy
import ActivityFeed
import AgentResponses
import Contracts
import Foundation
import HTTPCore
import JSONBytes
import Testing

@Suite struct AgentResponseTests {
    @Test(arguments: [
        (
            #"{"result":{"parts":[{"kind":"data"},{"kind":"text","text":"first"},{"kind":"text","text":"second"}]}}"#,
            "first"
        ),
        (#"{"result":{"parts":[{"type":"text","text":"old spelling"}]}}"#, "old spelling"),
        (#"{"result":{"artifacts":[{"parts":[]},{"parts":[{"kind":"text","text":"made"}]}]}}"#, "made"),
        (#"{"result":{"status":{"state":"completed","message":{"parts":[{"kind":"text","text":"said"}]}}}}"#, "said"),
        (#"{"result":{"parts":[],"artifacts":[],"status":{"message":{"parts":[{"type":"text","text":"z"}]}}}}"#, "z"),
        (#"{"result":{"parts":[{"kind":"file"}]}}"#, #"{"result":{"parts":[{"kind":"file"}]}}"#),
        (#"{"error":{"code":-32000}}"#, #"{"error":{"code":-32000}}"#),
        ("plain words", "plain words"), ("", ""),
    ])
    func findsTheWords(_ body: String, _ words: String) {
        #expect(ResponseText.extract(from: Array(body.utf8)) == words)
    }

    @Test(arguments: [
        (#"{"error":"mine"}"#, "mine"), (#"{"error":{"code":1,"message":"inner"}}"#, "inner"),
        (#"{"detail":"x"}"#, "Not Found"), ("<html>", "Not Found"), ("", "Not Found"),
    ])
    func repeatsTheAgentsError(_ body: String, _ text: String) {
        #expect(AgentResponse(status: 404, contentType: nil, body: Array(body.utf8)).errorText == text)
    }

    @Test func readsTraceAndTokens() throws {
        let body =
            #"{"result":{"metadata":{"tool_trace":[{"tool":"x"}]},"usage":{"input_tokens":3,"output_tokens":4}}}"#
        let facts = ResponseFacts(try JSONSlice(validating: Array(body.utf8)))
        #expect(facts.toolTrace == Array(#"[{"tool":"x"}]"#.utf8))
        #expect(facts.inputTokens == 3)
        #expect(facts.outputTokens == 4)
        let other = try JSONSlice(validating: Array(#"{"usage":{"prompt_tokens":5,"completion_tokens":6}}"#.utf8))
        #expect(ResponseFacts(other).inputTokens == 5)
        #expect(ResponseFacts(other).outputTokens == 6)
    }

    @Test func cutsBetweenCharacters() {
        #expect("👩‍👩‍👧‍👦ab".shortened(to: 1, mark: "...") == "👩‍👩‍👧‍👦...")
        #expect("abc".shortened(to: 3, mark: "...") == "abc")
        #expect("abcd".shortened(to: 3, mark: "...") == "abc...")
        #expect("a\0b".withoutNUL == "a\u{FFFD}b")
    }

    /// One character of any length is no bound.
    @Test func anAgentsErrorIsBounded() {
        let accents = "e" + String(repeating: "\u{301}", count: 5_000_000)
        for long in [String(repeating: "é", count: 100_000), accents] {
            let body = Array(#"{"error":{"message":"\#(long)"}}"#.utf8)
            let text = AgentResponse(status: 500, contentType: nil, body: body).errorText
            #expect(text.unicodeScalars.count == 4096)
            #expect(long.unicodeScalars.starts(with: text.unicodeScalars))
        }
        #expect(DelegationOutcomeRule.preview(accents).utf8.count < 20_000)
    }

    @Test func aRowWeighsItsError() {
        var row = ActivityRow(workspace: UUID(), type: .a2aReceive, summary: "x")
        row.error = String(repeating: "é", count: 4096)
        #expect(row.weight > 8192)
    }
}
