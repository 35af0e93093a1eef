import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

/// Bad input at every edge: the status, the error message, and that the platform goes on.
extension PlatformTests {
    @Suite("Refusals", .serialized)
    struct RefusalTests {
        struct Case: Sendable, CustomStringConvertible {
            var method = HTTPMethod.post
            var path: String
            var bearer: String? = Platform.adminToken
            var body: String?
            var type = "application/json"
            var headers: [(name: String, value: String)] = []
            var status: Int
            var error: String?
            var field: String?
            var limit: Int?

            var description: String { "\(method) \(path) \((body ?? "").prefix(200)) → \(status)" }
        }

        private static let tooLong = String(repeating: "k", count: 256)
        private static let unknown = "99999999-9999-4999-8999-999999999999"

        /// One character of so many scalars.
        private static func character(_ scalars: Int) -> String {
            "e" + String(repeating: "\u{301}", count: scalars - 1)
        }

        /// Texts that are too long, each by one.
        private func limits(_ known: String) -> [Case] {
            let text = Self.character
            func activity(_ field: String, _ limit: Int) -> Case {
                let body = #"{"activity_type":"error","\#(field)":"\#(text(limit + 1))"}"#
                return Case(
                    path: "/workspaces/\(known)/activity", body: body, status: 400, field: field, limit: limit)
            }
            func card(_ path: String, _ id: String) -> Case {
                let card = #"{"a":"\#(String(repeating: "a", count: 65_529))"}"#
                let body = #"{"\#(id)":"\#(known)","url":"http://localhost:1/","agent_card":\#(card)}"#
                return Case(path: path, body: body, status: 400, field: "agent_card", limit: 65_536)
            }
            func notify(_ files: String, _ field: String, _ limit: Int?) -> Case {
                Case(
                    path: "/workspaces/\(known)/notify", body: #"{"message":"m","attachments":[\#(files)]}"#,
                    status: 400, field: field, limit: limit)
            }
            let path = String(repeating: "a", count: 2032)
            let files = Array(repeating: #"{"uri":"u","name":"n"}"#, count: 101).joined(separator: ",")
            return [
                card("/registry/register", "id"), card("/registry/update-card", "workspace_id"),
                Case(
                    path: "/registry/register",
                    body:
                        #"{"id":"\#(known)","url":"http://localhost/\#(path)","agent_card":{}}"#,
                    status: 400, error: "invalid request body", field: "url", limit: 2048),
                Case(
                    path: "/workspaces", body: #"{"name":"\#(text(256))"}"#, status: 400,
                    error: "invalid workspace fields", field: "name", limit: 255),
                Case(
                    method: .patch, path: "/workspaces/\(known)", body: #"{"role":"\#(text(1001))"}"#, status: 400,
                    field: "role", limit: 1000),
                Case(
                    method: .patch, path: "/workspaces/\(known)",
                    body: #"{"workspace_dir":"/\#(String(repeating: "a", count: 1024))"}"#, status: 400,
                    error: "invalid workspace directory", field: "workspace_dir", limit: 1024),
                Case(path: "/org/tokens", body: #"{"name":"\#(text(256))"}"#, status: 400, field: "name", limit: 255),
                Case(
                    path: "/settings/secrets", body: #"{"key":"\#(String(repeating: "K", count: 257))","value":"v"}"#,
                    status: 400, field: "key", limit: 256),
                Case(
                    path: "/settings/secrets",
                    body: #"{"key":"K","value":"\#(String(repeating: "v", count: 65_537))"}"#,
                    status: 400, field: "value", limit: 65_536),
                activity("method", 256), activity("summary", 1000), activity("status", 100),
                activity("error_detail", 4096),
                Case(
                    path: "/workspaces/\(known)/notify", body: #"{"message":"\#(text(100_001))"}"#, status: 400,
                    field: "message", limit: 100_000),
                notify(files, "attachments", nil),
                notify(#"{"uri":"u","name":"\#(text(256))"}"#, "attachments[0].name", 255),
                Case(
                    path: "/workspaces/\(known)/a2a", body: #"{"method":"\#(text(257))"}"#, status: 400,
                    field: "method", limit: 256),
            ]
        }

        /// Members that are read and stand twice.
        private func repetitions(_ known: String) -> [Case] {
            func twice(_ path: String, _ body: String, _ field: String) -> Case {
                Case(path: path, body: body, status: 400, field: field)
            }
            let register = #"{"id":"\#(known)","url":"http://localhost:1/","agent_card":{}"#
            return [
                twice("/registry/register", register + #","agent_card":"x"}"#, "agent_card"),
                twice("/registry/register", register + #","url":"http://localhost:2/"}"#, "url"),
                twice("/registry/register", register + #","i\u0064":"\#(known)"}"#, "id"),
                twice(
                    "/registry/update-card", #"{"workspace_id":"\#(known)","agent_card":{},"agent_card":{}}"#,
                    "agent_card"),
                twice("/registry/update-card", #"{"workspace_id":"\#(known)","workspace_id":1}"#, "workspace_id"),
                twice("/registry/heartbeat", #"{"workspace_id":"\#(known)","workspace_id":null}"#, "workspace_id"),
                twice(
                    "/registry/heartbeat", #"{"workspace_id":"\#(known)","active_tasks":0,"active_tasks":1}"#,
                    "active_tasks"),
                twice("/workspaces", #"{"name":"a","name":"b"}"#, "name"),
                twice(
                    "/workspaces/\(known)/activity", #"{"activity_type":"error","activity_type":"x"}"#, "activity_type"),
                twice("/workspaces/\(known)/a2a", #"{"method":"a","params":{},"params":{}}"#, "params"),
                twice(
                    "/workspaces/\(known)/a2a",
                    #"{"method":"a","params":{"message":{"messageId":"1","messageId":"2","parts":[]}}}"#, "messageId"),
                twice("/workspaces/\(known)/delegate", #"{"target_id":"a","target_id":"b","task":"t"}"#, "target_id"),
            ]
        }

        private func cases(_ known: String, token: String, other: String) -> [Case] {
            let a2a = "/workspaces/\(known)/a2a"
            return [
                Case(path: "/registry/heartbeat", body: "{", status: 400, error: "invalid request body"),
                Case(path: "/registry/heartbeat", body: "[]", status: 400, error: "invalid request body"),
                Case(path: "/registry/heartbeat", body: "{}", status: 400, error: "invalid request body"),
                Case(path: "/registry/heartbeat", body: "{}", type: "text/plain", status: 415),
                Case(
                    path: "/registry/heartbeat", bearer: nil, body: #"{"workspace_id":"\#(known)"}"#, status: 401,
                    error: "missing workspace auth token"),
                Case(
                    path: "/registry/heartbeat", bearer: "wrong", body: #"{"workspace_id":"\#(known)"}"#, status: 401,
                    error: "invalid workspace auth token"),
                Case(
                    path: "/registry/heartbeat", bearer: other, body: #"{"workspace_id":"\#(known)"}"#, status: 401,
                    error: "invalid workspace auth token"),
                Case(
                    path: "/registry/heartbeat", body: #"{"workspace_id":"\#(Self.unknown)"}"#, status: 404,
                    error: "workspace not found"),
                Case(path: "/registry/heartbeat", body: String(repeating: " ", count: 1_048_577), status: 413),
                Case(
                    path: "/registry/heartbeat",
                    body: #"{"workspace_id":"\#(known)","x":"# + String(repeating: "[", count: 70)
                        + String(repeating: "]", count: 70) + "}", status: 400),
                Case(
                    path: "/registry/register", body: #"{"id":"\#(known)"}"#, status: 400, error: "invalid request body"
                ),
                Case(
                    path: "/registry/register",
                    body: #"{"id":"\#(known)","url":"http://169.254.169.254/","agent_card":{}}"#, status: 400,
                    error: "invalid request body"),
                Case(
                    path: "/registry/register",
                    body: #"{"id":"\#(known)","url":"http://127.0.0.1:1/","agent_card":{}}"#, status: 400,
                    error: "invalid request body"),
                Case(method: .get, path: "/workspaces", bearer: nil, status: 401, error: "admin auth required"),
                Case(method: .get, path: "/workspaces", bearer: token, status: 401, error: "invalid admin auth token"),
                Case(method: .get, path: "/workspaces?status=nonsense", status: 400),
                Case(method: .get, path: "/workspaces?limit=0", status: 400),
                Case(method: .get, path: "/workspaces/nonsense", status: 400, error: "invalid workspace ID"),
                Case(method: .get, path: "/workspaces/\(Self.unknown)", status: 404, error: "workspace not found"),
                Case(method: .put, path: "/workspaces", status: 405),
                Case(method: .get, path: "/nothing/here", status: 404),
                Case(path: "/workspaces", body: #"{"name":""}"#, status: 400),
                Case(path: "/workspaces", body: #"{"name":"a\nb"}"#, status: 400),
                Case(path: "/workspaces", body: #"{"name":"a","parent_id":"\#(Self.unknown)"}"#, status: 400),
                Case(
                    path: "/workspaces", body: #"{"name":"a","workspace_dir":"/etc/x"}"#, status: 400,
                    error: "invalid workspace directory"),
                Case(
                    method: .get, path: "/registry/discover/\(known)", status: 400,
                    error: "X-Workspace-ID header is required"),
                Case(
                    method: .get, path: "/workspaces/\(known)/tokens", bearer: other, status: 401,
                    error: "invalid workspace auth token"),
                Case(
                    method: .delete, path: "/workspaces/\(known)/tokens/\(Self.unknown)", bearer: token, status: 404,
                    error: "token not found or already revoked"),
                Case(path: a2a, body: "nonsense", status: 400, error: "invalid JSON"),
                Case(path: a2a, body: "[1]", status: 400, error: "invalid JSON"),
                Case(
                    path: a2a, body: #"{"params":{"message":{"messageId":"\#(Self.tooLong)"}}}"#, status: 400,
                    error: "invalid messageId"),
                Case(
                    path: a2a, body: #"{"params":{"message":{"contextId":"\#(Self.tooLong)"}}}"#, status: 400,
                    error: "invalid contextId"),
                Case(path: "/workspaces/\(Self.unknown)/a2a", body: "{}", status: 404, error: "workspace not found"),
                Case(
                    path: a2a, body: "{}", headers: [("X-Workspace-ID", "system:cron")], status: 403,
                    error: "invalid caller ID"),
                Case(
                    path: a2a, bearer: "wrong", body: "{}", headers: [("X-Workspace-ID", known)], status: 401,
                    error: "invalid caller auth token"),
                Case(
                    path: a2a, bearer: nil, body: "{}", headers: [("X-Workspace-ID", known)], status: 401,
                    error: "missing caller auth token"),
                Case(method: .get, path: "/queue/\(Self.unknown)", status: 404),
                Case(method: .get, path: "/workspaces/\(known)/queue", bearer: nil, status: 401),
                Case(method: .get, path: "/events", bearer: nil, status: 401, error: "admin auth required"),
                Case(method: .get, path: "/events/stream?types=NONSENSE", status: 400),
                Case(method: .get, path: "/workspaces/\(known)/events/stream", bearer: other, status: 401),
                Case(
                    path: "/workspaces/\(known)/notify", bearer: token, body: "{}", status: 400,
                    error: "message is required"),
                Case(
                    path: "/workspaces/\(known)/notify", bearer: token,
                    body: #"{"message":"x","attachments":[{"uri":"u"}]}"#, status: 400,
                    error: "attachment[0]: uri and name are required"),
                Case(
                    path: "/workspaces/\(known)/activity", bearer: token, body: #"{"activity_type":"nonsense"}"#,
                    status: 400),
                Case(
                    path: "/workspaces/\(known)/activity", bearer: token,
                    body: #"{"activity_type":"a2a_send","source_id":"\#(Self.unknown)"}"#, status: 403,
                    error: "source_id must match authenticated workspace"),
                Case(
                    method: .get, path: "/workspaces/\(known)/activity?source=nobody", bearer: token, status: 400,
                    error: "source must be 'canvas' or 'agent'"),
                Case(
                    path: "/workspaces/\(known)/delegate", bearer: token, body: #"{"target_id":"x","task":"t"}"#,
                    status: 400, error: "target_id must be a valid UUID"),
                Case(
                    path: "/workspaces/\(known)/delegate", bearer: token,
                    body: #"{"target_id":"\#(known)","task":"t"}"#, status: 400, error: "self-delegation not permitted"),
                Case(
                    path: "/workspaces/\(known)/delegate", bearer: token,
                    body: #"{"target_id":"\#(Self.unknown)","task":"t","idempotency_key":"\#(Self.tooLong)"}"#,
                    status: 400, error: "invalid delegation request"),
                Case(method: .get, path: "/admin/liveness", bearer: nil, status: 401, error: "admin auth required"),
            ]
        }

        @Test("Every refusal has its status and its error message, and everything goes on")
        func table() async throws {
            let platform = try await Platform.start()
            let agent = try await EchoAgentProcess.start(on: platform)
            let stranger = try await EchoAgentProcess.start(on: platform, name: "stranger")
            let all =
                cases(agent.id, token: agent.token, other: stranger.token) + limits(agent.id) + repetitions(agent.id)
            for refusal in all {
                let response = try await platform.api.raw(
                    refusal.method, refusal.path, bearer: refusal.bearer, body: refusal.body.map { Array($0.utf8) },
                    type: refusal.type, headers: refusal.headers)
                #expect(response.status == refusal.status, "\(refusal): \(response.text.prefix(200))")
                if let error = refusal.error { #expect(response.json["error"]?.string == error, "\(refusal)") }
                if let field = refusal.field { #expect(response.json["field"]?.string == field, "\(refusal)") }
                if let limit = refusal.limit { #expect(response.json["limit"]?.int == limit, "\(refusal)") }
                #expect(response.headers["x-request-id"] != nil, "\(refusal)")
            }
            #expect(try await platform.api.message("still there", to: agent.id).status == 200)
            await agent.stop()
            await stranger.stop()
            await platform.stop()
        }
    }
}
