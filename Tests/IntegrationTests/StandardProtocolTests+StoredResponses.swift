import Foundation
import HTTPCore
import JSONBytes
import Testing
import UVHTTPServer
import TestSupport

/// How a client reads later what an agent responded to a queued message.
extension StandardProtocolTests {
    /// Waits for a message that was sent to a busy agent to be completed by `script`.
    private func drained(
        _ fleet: Fleet, _ agent: ScriptedAgent, _ script: @escaping ScriptedAgent.Script
    ) async throws -> String {
        agent.does(ScriptedAgent.busy)
        let sent = try await fleet.api.call(.post, "/agents/\(agent.id)", body: Self.message("m"))
        let task = try #require(sent.json["result"]?["id"]?.string)
        agent.does(script)
        try await eventually(within: .seconds(30), "the message to be delivered") {
            try await fleet.api.call(.get, "/queue/\(task)").json["status"] == "completed"
        }
        return task
    }

    private func query(_ method: String, _ task: String, _ fleet: Fleet, _ agent: ScriptedAgent) async throws
        -> API.ReceivedResponse
    {
        try await fleet.api.call(
            .post, "/agents/\(agent.id)",
            body: ["jsonrpc": "2.0", "id": 7, "method": .string(method), "params": ["id": .string(task)]])
    }

    @Test("A response that was stored as indented JSON is one event, whatever its texts have in them")
    func indented() async throws {
        try await with { fleet, agent in
            let text = "one\u{2028}two\u{2029}three\u{85}four"
            let task = try await drained(fleet, agent) { _ in
                .json(
                    bytes: Array(
                        """
                        {\r
                          "jsonrpc": "2.0",
                          "result": {
                            "kind": "task", "id": "own",
                            "status": {"state": "completed", "message": {"parts": [{"kind": "text", "text": "\(text)"}]}}
                          }
                        }
                        """.utf8))
            }
            let response = try await query("tasks/resubscribe", task, fleet, agent)
            #expect(response.isEventStream)
            let lines = response.text.split(whereSeparator: \.isNewline)
            #expect(lines.count == 1, "\(response.text)")
            #expect(lines.allSatisfy { $0.hasPrefix("data:") })
            let parts = response.event["result"]?["status"]?["message"]?["parts"]
            #expect(parts?[0]?["text"]?.string == text, "\(response.text)")
        }
    }

    @Test("A stored stream is understood however its lines end and its events are broken into them")
    func severalLines() async throws {
        try await with { fleet, agent in
            for end in ["\n", "\r\n", "\r"] {
                let lines = [
                    ": ping", "event: message", "data: {", #"data:   "result": {"kind": "task", "id": "own","#,
                    "data:\"note\": \"a\u{2028}b\",", #"data: "status": {"state": "working"}}}"#, "", "",
                ]
                let task = try await drained(fleet, agent) { _ in
                    .text(.ok, lines.joined(separator: end), contentType: "text/event-stream")
                }
                agent.does { _ in .json(bytes: Array(#"{"jsonrpc":"2.0","id":7,"result":{"kind":"task"}}"#.utf8)) }
                let response = try await query("tasks/get", task, fleet, agent)
                #expect(response.json["result"]?["kind"] == "task", "\(response.text)")
                // The agent gets the query for its own task.
                #expect(agent.deliveries.last?.body["params"]?["id"] == "own")
            }
        }
    }
}
