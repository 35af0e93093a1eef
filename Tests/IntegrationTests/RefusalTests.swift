import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

/// Bad input at every edge: the status, the sentence, and that the platform goes on.
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

            var description: String { "\(method) \(path) \(body ?? "") → \(status)" }
        }

        private static let tooLong = String(repeating: "k", count: 256)
        private static let unknown = "99999999-9999-4999-8999-999999999999"

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

        @Test("Every refusal has its status and its sentence, and everything goes on")
        func table() async throws {
            let platform = try await Platform.start()
            let agent = try await EchoAgent.start(on: platform)
            let stranger = try await EchoAgent.start(on: platform, name: "stranger")
            for refusal in cases(agent.id, token: agent.token, other: stranger.token) {
                let answer = try await platform.api.raw(
                    refusal.method, refusal.path, bearer: refusal.bearer, body: refusal.body.map { Array($0.utf8) },
                    type: refusal.type, headers: refusal.headers)
                #expect(answer.status == refusal.status, "\(refusal): \(answer.text.prefix(200))")
                if let error = refusal.error { #expect(answer.json["error"]?.string == error, "\(refusal)") }
                #expect(answer.headers["x-request-id"] != nil || answer.status == 413, "\(refusal)")
            }
            #expect(try await platform.api.message("still there", to: agent.id).status == 200)
            await agent.stop()
            await stranger.stop()
            await platform.stop()
        }
    }
}
