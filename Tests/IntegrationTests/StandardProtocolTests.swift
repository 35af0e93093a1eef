import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport
import UVHTTPServer

/// What the standard endpoint takes for a call of the protocol.
@Suite("The protocol at the standard endpoint", .serialized)
struct StandardProtocolTests {
    func with(_ body: (Fleet, ScriptedAgent) async throws -> Void) async throws {
        try await Fleet.with(["a2a-proxy", "registry"], environment: ["A2A_RETRY_SECONDS": "1"]) { fleet in
            try await fleet.withAgents(1, registry: fleet.apis[1]) { try await body(fleet, $0[0]) }
        }
    }

    static func message(_ id: String, method: String = "message/send", text: String = "hello") -> JSONValue {
        [
            "jsonrpc": "2.0", "id": 7, "method": .string(method),
            "params": [
                "message": [
                    "role": "user", "messageId": .string(id), "parts": [["kind": "text", "text": .string(text)]],
                ]
            ],
        ]
    }

    func post(
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
}
