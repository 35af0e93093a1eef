import A2AProxy
import AgentResponses
import Testing

@Suite("Server-sent events") struct ServerSentEventsTests {
    private func data(_ stream: String) -> [String] {
        ServerSentEvents.data(in: Array(stream.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(
        arguments: [
            ("", []), ("\n\n", []), (": comment\n\n", []), ("data: a\n\n", ["a"]),
            ("data:a\n\ndata: b\n\n", ["a", "b"]),
            ("data: a\ndata: b\n\n", ["a\nb"]), ("data\n\n", [""]), ("data:  a \n\n", [" a "]), ("data: a", ["a"]),
            ("data: a\r\rdata: b\r\n\r\ndata: c\n\r\n", ["a", "b", "c"]), ("data: a\r\ndata: b\r\n\r\n", ["a\nb"]),
            ("database: a\n\nevent: x\nid: 1\nretry: 5\ndata: a\n\n", ["a"]), (" data: a\n\n", []),
            ("\u{FEFF}data: a\n\n", ["a"]),
            ("data: a\u{2028}b\u{85}c\u{0B}d\u{0C}\n\n", ["a\u{2028}b\u{85}c\u{0B}d\u{0C}"]),
        ] as [(String, [String])])
    func areReadAsTheStandardSays(_ stream: String, _ events: [String]) {
        #expect(data(stream) == events)
    }

    @Test func oneIsReadAsItWasWritten() {
        let event = ServerSentEvents.event(json: Array("{\n \"a\": \"\u{2028}\"\r\n}".utf8))
        #expect(String(decoding: event, as: UTF8.self) == "data: { \"a\": \"\\u2028\"}\n\n")
        #expect(ServerSentEvents.data(in: event) == [Array(#"{ "a": "\u2028"}"#.utf8)])
    }

    @Test func aStreamOfManyLinesIsReadInOnePass() {
        let lines = String(repeating: "data: x\n", count: 200_000)
        #expect(ServerSentEvents.data(in: Array(lines.utf8))[0].count == 399_999)
    }
}
