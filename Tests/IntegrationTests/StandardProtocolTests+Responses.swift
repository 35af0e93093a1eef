import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport
import UVHTTPServer

/// What the standard endpoint makes of the agent's responses.
extension StandardProtocolTests {
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
}
