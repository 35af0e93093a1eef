import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

/// What passes between a standard client and a standard agent directly passes through the proxy.
@Suite("The standard A2A endpoint", .serialized)
struct JSONRPCEndpointTests {
    private func with(
        environment: [String: String] = [:], _ body: (Fleet, StandardAgent, _ id: String) async throws -> Void
    ) async throws {
        try await Fleet.with(["a2a-proxy", "registry"], environment: environment) { fleet in
            let agent = try await StandardAgent.start()
            var failure: (any Error)?
            do { try await body(fleet, agent, try await agent.register(at: fleet.apis[1])) } catch { failure = error }
            await agent.stop()
            if let failure { throw failure }
        }
    }

    @Test("The same client program sees the same, directly and through the platform", arguments: ["1.0", "0.3"])
    func sameThroughUs(_ version: String) async throws {
        try await with { fleet, agent, id in
            let direct = try await PythonProgram.run("standard_client.py", [agent.url, version])
            let passed = try await PythonProgram.run(
                "standard_client.py", [fleet.services[0].baseURL + "/agents/\(id)", version, Platform.adminToken])
            #expect(passed.count == direct.count)
            for (passed, direct) in zip(passed, direct) { #expect(passed == direct) }

            let calls = passed.compactMap { $0[0]?.string }
            let names = [
                "card", "blocking direct", "blocking count 2", "get", "stream", "resubscribed", "released", "cancel",
                "cancel once more", "get nothing", "extensions",
            ]
            for name in names { #expect(calls.contains(name), "\(name) is missing") }
            #expect(passed.filter { $0[0] == "stream" }.count == 6)
            #expect(passed.last?[1]?.array?.contains("https://example.test/extensions/echo") == true)
        }
    }

    private static let messages: [(version: String, message: String)] = [
        ("0.3", #"{"role":"user","messageId":"m","parts":[{"kind":"text","text":"direct"}]}"#),
        ("0.3", #"{"role":"user","messageId":"m","parts":[{"type":"text","text":"direct"}]}"#),
        ("0.3", #"{"role":"agent","messageId":"m","contextId":null,"parts":[{"text":"direct"}]}"#),
        ("0.3", #"{"role":"user","messageId":"m","parts":[{"text":"direct"},{"kind":"data","data":{}}]}"#),
        ("0.3", #"{"role":"user","messageId":"m","parts":[{"text":"direct"},{"kind":"file","file":{"uri":"u"}}]}"#),
        ("0.3", #"{"role":"user","messageId":"m","parts":[{"text":"direct"},{"kind":"nope","text":"x"}]}"#),
        ("0.3", #"{"role":"user","messageId":"m","parts":[{"text":"direct"},{"url":"u"}]}"#),
        ("0.3", #"{"role":"user","messageId":"m","parts":[{"text":"direct"},{}]}"#),
        ("0.3", #"{"role":"ROLE_USER","messageId":"m","parts":[{"text":"direct"}]}"#),
        ("0.3", #"{"messageId":"m","parts":[{"text":"direct"}]}"#),
        ("0.3", #"{"role":"user","messageId":"m","parts":[]}"#), ("0.3", #"{"role":"user","messageId":"m"}"#),
        ("0.3", #"{"role":"user","messageId":7,"parts":[{"text":"direct"}]}"#), ("0.3", "{}"), ("0.3", "7"),
        ("1.0", #"{"role":"ROLE_USER","messageId":"m","parts":[{"text":"direct"}]}"#),
        ("1.0", #"{"role":2,"messageId":"m","contextId":null,"parts":[{"text":"direct"}]}"#),
        ("1.0", #"{"role":"ROLE_USER","messageId":"m","parts":[{"text":"direct"},{"data":[1]},{"url":"u"}]}"#),
        ("1.0", #"{"role":"ROLE_USER","messageId":"m","parts":[{"kind":"nope","text":"direct"},{"raw":"eA=="}]}"#),
        ("1.0", #"{"role":"user","messageId":"m","parts":[{"text":"direct"}]}"#),
        ("1.0", #"{"messageId":"m","parts":[{"text":"direct"}]}"#),
        ("1.0", #"{"role":"ROLE_USER","messageId":"m","parts":[{"text":7}]}"#),
        ("1.0", #"{"role":"ROLE_USER","messageId":"m","parts":[]}"#), ("1.0", #"{"role":1,"messageId":"m"}"#),
        ("1.0", #"{"role":"ROLE_USER","messageId":7,"parts":[{"text":"direct"}]}"#), ("1.0", "{}"), ("1.0", "7"),
    ]

    @Test("What an agent on the SDK takes is passed on, and what is refused here it refuses as well")
    func sameOpinion() async throws {
        try await with { fleet, agent, id in
            for (version, message) in Self.messages {
                let method = version == "1.0" ? "SendMessage" : "message/send"
                let body = #"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":{"message":\#(message)}}"#
                func post(_ api: API, _ path: String) async throws -> JSONValue {
                    try await api.raw(
                        .post, path, bearer: Platform.adminToken, body: Array(body.utf8), type: "application/json",
                        headers: [("A2A-Version", version)]
                    ).json
                }
                let (direct, passed) = (try await post(agent.api, "/"), try await post(fleet.api, "/agents/\(id)"))
                #expect((direct["error"] == nil) == (passed["error"] == nil), "\(body): \(direct), \(passed)")
                if passed["error"] != nil { #expect(passed["error"]?["code"] == -32_602, "\(body): \(passed)") }
            }
        }
    }

    @Test("A message of version 1.0 that has to wait is delivered as one of version 1.0, within the caller's trace")
    func waitsInItsVersion() async throws {
        try await with(environment: ["A2A_RETRY_SECONDS": "1"]) { fleet, agent, id in
            try agent.setBusy(true)
            let trace = "0af7651916cd43dd8448eb211c80319c"
            let queued = try await fleet.api.call(
                .post, "/agents/\(id)",
                body: [
                    "jsonrpc": "2.0", "id": 1, "method": "SendMessage",
                    "params": [
                        "message": ["role": "ROLE_USER", "messageId": "waits-1", "parts": [["text": "direct"]]]
                    ],
                ],
                headers: ["A2A-Version": "1.0", "traceparent": "00-\(trace)-b7ad6b7169203331-01"])
            #expect(queued.status == 200)
            let item = try #require(queued.json["result"]?["task"]?["id"]?.string)
            try agent.setBusy(false)
            try await eventually(within: .seconds(30), "the message to be delivered") {
                try await fleet.api.call(.get, "/queue/\(item)").json["status"] == "completed"
            }
            let response = try await fleet.api.call(.get, "/queue/\(item)").json["response"]
            #expect(response?["result"]?["message"]?["parts"]?[0]?["text"] == "direct: done", "\(response ?? .null)")

            let calls = try await agent.calls()
            #expect(calls.count >= 2)
            for call in calls {
                #expect(call["a2a-version"] == "1.0")
                #expect(call["traceparent"]?.string?.contains(trace) == true, "\(call)")
            }
            // Certain non-delivery is no delivery: the agent gets no attempt number.
            #expect(calls.allSatisfy { $0["x-delivery-attempt"] == nil })
            let traces = try await fleet.sql(
                "SELECT traceparent FROM structure_events WHERE workspace_id = $1::uuid AND type LIKE 'a2a.%'", [id])
            #expect(traces.count == 2)
            #expect(traces.all.allSatisfy { $0.optionalString(0)?.contains(trace) == true })
        }
    }

    @Test("Listening on to a task of a busy agent is refused and not stored")
    func listeningDoesNotWait() async throws {
        try await with { fleet, agent, id in
            try agent.setBusy(true)
            for method in ["tasks/resubscribe", "SubscribeToTask"] {
                let response = try await fleet.api.call(
                    .post, "/agents/\(id)",
                    body: ["jsonrpc": "2.0", "id": 1, "method": .string(method), "params": ["id": "task"]])
                #expect(response.status == 200)
                #expect(response.headers["retry-after"] == "30")
                #expect(response.event["error"]?["message"] == "workspace agent is busy")
                let direct = try await fleet.api.call(
                    .post, "/workspaces/\(id)/a2a",
                    body: ["jsonrpc": "2.0", "id": 1, "method": .string(method), "params": ["id": "task"]])
                #expect(direct.status == 503)
                #expect(direct.headers["retry-after"] == "30")
                #expect(direct.json["busy"] == true)
            }
            #expect(try await fleet.sql("SELECT count(*)::int FROM a2a_queue")[0].int(0) == 0)
        }
    }
}
