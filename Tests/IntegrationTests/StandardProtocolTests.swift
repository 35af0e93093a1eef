import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport
import UVHTTPServer

/// What the standard endpoint takes for a call of the protocol, and what it makes of the agent's responses.
@Suite("The protocol at the standard endpoint", .serialized)
struct StandardProtocolTests {
    private func with(_ body: (Fleet, ScriptedAgent) async throws -> Void) async throws {
        try await Fleet.with(["a2a-proxy", "registry"], environment: ["A2A_RETRY_SECONDS": "1"]) { fleet in
            try await fleet.withAgents(1, registry: fleet.apis[1]) { try await body(fleet, $0[0]) }
        }
    }

    private static func message(_ id: String, method: String = "message/send", text: String = "hello") -> JSONValue {
        [
            "jsonrpc": "2.0", "id": 7, "method": .string(method),
            "params": [
                "message": [
                    "role": "user", "messageId": .string(id), "parts": [["kind": "text", "text": .string(text)]],
                ]
            ],
        ]
    }

    private func post(
        _ text: String, to path: String, _ api: API, type: String = "application/json"
    ) async throws -> API.ReceivedResponse {
        try await api.raw(
            .post, path, bearer: Platform.adminToken, body: Array(text.utf8), type: type, headers: [])
    }

    private static let twin = #"{"message":{"role":"user","messageId":"twin","parts":[{"kind":"text","text":"x"}]}}"#
    private static func parts(_ parts: String, _ more: String = #""role":"user""#) -> String {
        #"{"jsonrpc":"2.0","id":7,"method":"message/send","params":{"message":{"messageId":"twin",\#(more)\#(parts)}}}"#
    }

    private static let broken: [(body: String, code: Int, id: JSONValue)] = [
        ("{", -32_700, .null), ("[]", -32_600, .null), ("[{}]", -32_600, .null), ("7", -32_600, .null),
        ("{}", -32_600, .null),
        (String(repeating: #"{"a":"#, count: 65) + "1" + String(repeating: "}", count: 65), -32_600, .null),
        (#"{"jsonrpc":"2.0","id":7,"method":"nope","params":\#(twin)}"#, -32_601, 7),
        (#"{"method":"nope","params":\#(twin)}"#, -32_600, .null),
        (#"{"jsonrpc":"2.0","id":7,"params":\#(twin)}"#, -32_600, 7),
        (#"{"jsonrpc":"2.0","id":7,"method":8,"params":\#(twin)}"#, -32_600, 7),
        (#"{"jsonrpc":"1.0","id":7,"method":"message/send","params":\#(twin)}"#, -32_600, 7),
        (#"{"jsonrpc":"2.0","id":[],"method":"message/send","params":\#(twin)}"#, -32_600, .null),
        (#"{"jsonrpc":"2.0","id":{},"method":"message/send","params":\#(twin)}"#, -32_600, .null),
        (#"{"jsonrpc":"2.0","id":true,"method":"message/send","params":\#(twin)}"#, -32_600, .null),
        (#"{"jsonrpc":"2.0","id":7,"method":"message/send"}"#, -32_602, 7),
        (#"{"jsonrpc":"2.0","id":7,"method":"message/send","params":[]}"#, -32_602, 7),
        (parts(""), -32_602, 7), (parts(#","parts":[]"#), -32_602, 7), (parts(#","parts":[{}]"#), -32_602, 7),
        (parts(#","parts":[{"kind":"nope","text":"x"}]"#), -32_602, 7),
        (parts(#","parts":[{"kind":"text","text":"x"}]"#, #""role":"boss""#), -32_602, 7),
        (#"{"jsonrpc":"2.0","id":7,"method":"tasks/get","params":{}}"#, -32_602, 7),
    ]

    @Test("What is no call of it is refused alike whether the agent is free or busy, and takes no capacity")
    func broken() async throws {
        try await with { fleet, agent in
            for script in [ScriptedAgent.echo, ScriptedAgent.busy] {
                agent.does(script)
                for (body, code, id) in Self.broken {
                    let response = try await post(body, to: "/agents/\(agent.id)", fleet.api)
                    #expect(response.status == 200, "\(body)")
                    #expect(response.json["error"]?["code"]?.int == code, "\(body): \(response.text)")
                    #expect(response.json["id"] == id, "\(body): \(response.text)")
                }
            }
            #expect(agent.deliveries.isEmpty)
            let deep = try await post(Self.broken[5].body, to: "/agents/\(agent.id)", fleet.api)
            #expect(deep.json["error"]?["message"]?.string?.contains("64") == true)
            let batch = try await post("[]", to: "/agents/\(agent.id)", fleet.api)
            #expect(batch.json["error"]?["message"]?.string?.contains("batches") == true)

            // A read-only call is not stored either, whatever it has for a message.
            let querying = try await fleet.api.call(
                .post, "/agents/\(agent.id)",
                body: [
                    "jsonrpc": "2.0", "id": 7, "method": "tasks/get",
                    "params": ["id": "t", "message": ["messageId": "twin"]],
                ])
            #expect(querying.json["error"]?["message"] == "workspace agent is busy")
            #expect(try await fleet.sql("SELECT count(*)::int FROM a2a_queue")[0].int(0) == 0)

            let sent = try await fleet.api.call(.post, "/agents/\(agent.id)", body: Self.message("twin"))
            #expect(sent.json["result"]?["status"]?["state"] == "submitted", "\(sent.text)")
            agent.does(ScriptedAgent.echo)
            try await eventually("the valid message to be delivered") {
                agent.deliveries.contains { $0.messageID == "twin" && $0.text == "hello" }
            }
        }
    }

    @Test("Read-only calls do not wait behind the messages of a context either")
    func querying() async throws {
        try await with { fleet, agent in
            agent.does(ScriptedAgent.busy)
            let sent = try await fleet.api.call(
                .post, "/agents/\(agent.id)",
                body: [
                    "jsonrpc": "2.0", "id": 7, "method": "message/send",
                    "params": [
                        "message": [
                            "role": "user", "messageId": "m", "contextId": "c",
                            "parts": [["kind": "text", "text": "x"]],
                        ]
                    ],
                ])
            #expect(sent.json["result"]?["status"]?["state"] == "submitted", "\(sent.text)")
            let querying = try await fleet.api.call(
                .post, "/agents/\(agent.id)",
                body: [
                    "jsonrpc": "2.0", "id": 7, "method": "tasks/get",
                    "params": ["id": "t", "message": ["messageId": "twin", "contextId": "c"]],
                ])
            #expect(querying.json["error"]?["message"] == "workspace agent is busy", "\(querying.text)")
        }
    }

    @Test("A caller without access, or without a target, is refused for that first")
    func order() async throws {
        try await with { fleet, agent in
            let missing = try await post("{", to: "/agents/\(UUID().uuidString.lowercased())", fleet.api)
            #expect(missing.json["error"]?["message"] == "workspace not found", "\(missing.text)")
            let response = try await fleet.api.raw(
                .post, "/agents/\(agent.id)", bearer: "wrong", body: Array("{".utf8), type: "application/json",
                headers: [])
            #expect(response.status == 401)
        }
    }

    @Test("A method of an extension is the agent's affair once the client names the extension")
    func extensions() async throws {
        try await with { fleet, agent in
            agent.does { _ in .json(bytes: Array(#"{"jsonrpc":"2.0","id":7,"result":{"did":"it"}}"#.utf8)) }
            let body: JSONValue = ["jsonrpc": "2.0", "id": 7, "method": "weather/now", "params": []]
            let named = try await fleet.api.call(
                .post, "/agents/\(agent.id)", body: body, headers: ["A2A-Extensions": "https://example.test/weather"])
            #expect(named.json["result"]?["did"] == "it", "\(named.text)")
            let unnamed = try await fleet.api.call(.post, "/agents/\(agent.id)", body: body)
            #expect(unnamed.json["error"]?["code"] == -32_601)
            #expect(agent.deliveries.count == 1)
        }
    }

    // MARK: - The agent's responses

    private static let ownError = #"{"jsonrpc":"2.0","id":7,"error":{"code":-32050,"message":"odd","data":{"a":[1]}}}"#

    @Test("What the agent says for itself is not taken for the platform's", arguments: [nil, "key"])
    func agentsWords(_ key: String?) async throws {
        try await with { fleet, agent in
            let text = #"{"queued":true,"queue_id":"\#(UUID().uuidString.lowercased())","message":"mine"}"#
            let scripts: [(status: HTTPStatus, body: String)] = [
                (.accepted, text), (.internalServerError, Self.ownError), (.unauthorized, #"{"error":"who?"}"#),
                (.forbidden, "no"), (.payloadTooLarge, "{}"), (307, ""),
            ]
            for (status, body) in scripts {
                agent.does { _ in .json(status, bytes: Array(body.utf8)) }
                var headers: HTTPHeaders = [:]
                if let key { headers.add("Idempotency-Key", "\(key)-\(status.code)") }
                // With a key the second time is a replay.
                for _ in 0..<2 {
                    let response = try await fleet.api.call(
                        .post, "/agents/\(agent.id)", body: Self.message("m"), headers: headers)
                    let error = response.json["error"]
                    switch status {
                    case .accepted:
                        #expect(response.status == 202)
                        #expect(response.text == body)
                    case .internalServerError:
                        #expect(response.status == 200)
                        #expect(error == ["code": -32050, "message": "odd", "data": ["a": [1]]], "\(response.text)")
                        #expect(response.json["id"] == 7)
                    case 307:
                        #expect(response.status == 200)
                        #expect(error?["message"]?.string?.contains("registered URL has moved") == true)
                    default:
                        #expect(response.status == 200, "\(status.code)")
                        #expect(error?["code"] == -32_000)
                        #expect(
                            error?["message"]?.string?.hasPrefix("the agent refused the message: ") == true,
                            "\(response.text)")
                        #expect(error?["data"]?["status"]?.int == status.code)
                    }
                }
            }
            #expect(agent.deliveries.count == (key == nil ? 2 : 1) * scripts.count)
        }
    }

    @Test("On the platform's own route, an agent's JSON-RPC error keeps its code and data beside its words")
    func agentsError() async throws {
        try await with { fleet, agent in
            agent.does { _ in .json(.internalServerError, bytes: Array(Self.ownError.utf8)) }
            let response = try await fleet.api.message("x", to: agent.id)
            #expect(response.status == 500)
            #expect(
                response.json == [
                    "error": "odd", "agent_error": ["code": -32050, "message": "odd", "data": ["a": [1]]],
                ])
            agent.does { _ in Response(307, headers: ["Location": "http://169.254.169.254/"]) }
            let moved = try await fleet.api.message("x", to: agent.id)
            #expect(moved.status == 307)
            #expect(moved.json["error"]?.string?.contains("registered URL has moved") == true)
            #expect(moved.headers["location"] == nil)
        }
    }

    @Test("A message that waits for an agent that has moved fails at its first try")
    func moved() async throws {
        try await with { fleet, agent in
            agent.does(ScriptedAgent.busy)
            let queued = try await fleet.api.message("x", to: agent.id)
            let item = try #require(queued.json["queue_id"]?.string)
            agent.does { _ in Response(308, headers: ["Location": "http://127.0.0.1:1/"]) }
            var last: JSONValue = .null
            try await eventually(within: .seconds(30), "the item to fail", detail: { "\(last)" }) {
                last = try await fleet.api.call(.get, "/queue/\(item)").json
                return last["status"] == "failed"
            }
            #expect(last["attempts"] == 1)
            #expect(last["last_error"]?.string?.contains("registered URL has moved") == true)
            #expect(agent.deliveries.count == 2)
        }
    }

    @Test("The extended card leads to the platform, by whatever name it is requested")
    func extendedCard() async throws {
        try await with { fleet, agent in
            let inner = agent.url
            let card: JSONValue = [
                "name": "extended", "url": .string(inner),
                "additionalInterfaces": [["url": .string(inner), "transport": "JSONRPC"]],
                "supportedInterfaces": [["url": .string(inner), "protocolBinding": "JSONRPC"]],
                "skills": [["id": "secret"]],
            ]
            agent.does { delivery in
                let response: JSONValue = ["jsonrpc": "2.0", "id": delivery.body["id"] ?? .null, "result": card]
                return .json(bytes: response.encoded)
            }
            let url = fleet.services[0].baseURL + "/agents/\(agent.id)"
            for method in [
                "agent/getAuthenticatedExtendedCard", "agent/authenticatedExtendedCard", "agent/getExtendedCard",
                "GetExtendedAgentCard",
            ] {
                let response = try await fleet.api.call(
                    .post, "/agents/\(agent.id)",
                    body: ["jsonrpc": "2.0", "id": "c", "method": .string(method), "params": [:]])
                #expect(response.json["id"] == "c")
                #expect(response.json["result"]?["url"]?.string == url, "\(method): \(response.text)")
                #expect(response.json["result"]?["skills"] == [["id": "secret"]])
                #expect(!response.text.contains(inner), "\(method): \(response.text)")
            }
            // Nor does it get out in a response that cannot be read.
            for (type, body) in [("text/event-stream", "data: \(inner)\n\n"), ("application/json", "\"\(inner)\"")] {
                agent.does { _ in .text(.ok, body, contentType: type) }
                let response = try await fleet.api.call(
                    .post, "/agents/\(agent.id)", body: ["jsonrpc": "2.0", "id": 1, "method": "GetExtendedAgentCard"])
                #expect(response.json["error"]?["code"] == -32_006, "\(response.text)")
                #expect(!response.text.contains(inner))
            }
        }
    }

    // MARK: - Heads

    @Test("The same endpoint with a slash behind it, and the version of the protocol in the query")
    func addresses() async throws {
        try await with { fleet, agent in
            let slash = try await fleet.api.call(.post, "/agents/\(agent.id)/", body: Self.message("s"))
            #expect(slash.status == 200)
            #expect(slash.json["result"]?["kind"] == "message")
            for path in ["/agents/\(agent.id)", "/agents/\(agent.id)/", "/workspaces/\(agent.id)/a2a"] {
                _ = try await fleet.api.call(.post, path + "?A2A-Version=1.0", body: Self.message("v"))
                #expect(agent.deliveries.last?.headers.values("a2a-version") == ["1.0"], "\(path)")
                _ = try await fleet.api.call(
                    .post, path + "?A2A-Version=1.0", body: Self.message("v"), headers: ["A2A-Version": "0.3"])
                #expect(agent.deliveries.last?.headers.values("a2a-version") == ["0.3"], "\(path)")
            }
            let count = agent.deliveries.count
            let bad = try await fleet.api.call(
                .post, "/workspaces/\(agent.id)/a2a?A2A-Version=1.0%0D%0AX-Evil:%20yes", body: Self.message("v"))
            #expect(bad.status == 400)
            #expect(agent.deliveries.count == count)
        }
    }

    @Test(
        "A type that a foreign page may send is refused",
        arguments: [
            "text/plain", "text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data",
        ]
    )
    func types(_ type: String) async throws {
        try await with { fleet, agent in
            let body = String(decoding: Self.message("t").encoded, as: UTF8.self)
            for path in ["/agents/\(agent.id)", "/workspaces/\(agent.id)/a2a"] {
                let refused = try await post(body, to: path, fleet.api, type: type)
                #expect(refused.status == 415)
                let taken = try await post(body, to: path, fleet.api, type: "application/json; charset=utf-8")
                #expect(taken.status == 200)
            }
            #expect(agent.deliveries.count == 2)
        }
    }

    @Test("A traceparent that cannot be read goes nowhere")
    func traceparent() async throws {
        try await with { fleet, agent in
            let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            for (sent, passed) in [
                (String(repeating: "x", count: 12_000), nil), ("00-xyz", nil), (good, good),
                ("01" + good.dropFirst(2) + "-" + String(repeating: "x", count: 12_000), good),
            ] {
                _ = try await fleet.api.call(
                    .post, "/workspaces/\(agent.id)/a2a", body: Self.message("t"), headers: ["traceparent": sent])
                #expect(agent.deliveries.last?.headers["traceparent"] == passed)
            }
        }
    }

    // MARK: - Loops

    @Test("Passes are counted, also while a message waits, and end at ten")
    func hops() async throws {
        try await with { fleet, agent in
            func send(_ id: String, _ path: String, _ hops: String?) async throws -> API.ReceivedResponse {
                try await fleet.api.call(
                    .post, path, body: Self.message(id), headers: hops.map { ["X-Switchyard-Hops": $0] } ?? [:])
            }
            for path in ["/agents/\(agent.id)", "/workspaces/\(agent.id)/a2a"] {
                for (sent, passed) in [(nil, "1"), ("nonsense", "1"), ("1", "2"), ("9", "10")] {
                    let response = try await send("h", path, sent)
                    #expect(response.status == 200)
                    #expect(agent.deliveries.last?.headers.values("x-switchyard-hops") == [passed])
                }
                for sent in ["10", "981"] {
                    let response = try await send("h", path, sent)
                    #expect(response.status == 508)
                    #expect(response.json["error"]?.string?.isEmpty == false)
                }
            }
            agent.does(ScriptedAgent.busy)
            let waits = try await send("waits", "/workspaces/\(agent.id)/a2a", "4")
            #expect(waits.status == 202)
            agent.does(ScriptedAgent.echo)
            try await eventually("the message to be delivered") {
                agent.deliveries.filter { $0.messageID == "waits" }.count == 2
            }
            for delivery in agent.deliveries where delivery.messageID == "waits" {
                #expect(delivery.headers.values("x-switchyard-hops") == ["5"])
            }
        }
    }

    @Test("A workspace whose address is the platform itself ends its own message")
    func loop() async throws {
        try await Fleet.with(["a2a-proxy", "registry"], environment: ["ADMIN_TOKEN": ""]) { fleet in
            let id = UUID().uuidString.lowercased()
            let path = "/workspaces/\(id)/a2a"
            let url = fleet.services[0].baseURL.replacing("127.0.0.1", with: "localhost") + path
            let joined = try await fleet.apis[1].call(
                .post, "/registry/register", bearer: nil,
                body: [
                    "id": .string(id), "url": .string(url), "agent_card": ["name": "loop"],
                ])
            #expect(joined.status == 200, "\(joined.text)")
            let response = try await fleet.api.call(.post, path, bearer: nil, body: Self.message("loop"))
            #expect(response.status == 508, "\(response.text)")
            // All ten calls are noted by the time that the first one is.
            try await eventually("the calls to be noted") {
                try await fleet.sql("SELECT count(*)::int FROM activity_logs")[0].int(0) >= 10
            }
            #expect(try await fleet.sql("SELECT count(*)::int FROM activity_logs")[0].int(0) == 10)
        }
    }

    // MARK: - Streams

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
