import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

extension RegistryProcessTests {
    /// Routes whose credential depends on an id in the body: of the body only the id is read before it is checked.
    @Suite("Credentials before bodies", .serialized)
    struct RegistrationOrderTests {
        private static let production = [
            "MOLECULE_ENV": "production", "SECRETS_ENCRYPTION_KEY": "0123456789abcdef0123456789abcdef",
        ]

        @Test("A caller that may not register an id is refused before the body is inspected")
        func order() async throws {
            try await Fleet.with(["registry"], environment: Self.production) { fleet in
                let (known, _) = try await fleet.create()
                let unknown = UUID().uuidString.lowercased()
                let bodies: [(String, String)] = [
                    ("/registry/register", #"{"id":"ID"}"#),
                    ("/registry/register", #"{"id":"ID","url":"http://169.254.169.254/","agent_card":{}}"#),
                    ("/registry/register", #"{"id":"ID","url":"http://nowhere.invalid/","agent_card":{}}"#),
                    ("/registry/register", #"{"id":"ID","url":7,"url":8,"agent_card":"none"}"#),
                    ("/registry/update-card", #"{"workspace_id":"ID","agent_card":"none"}"#),
                    ("/registry/update-card", #"{"workspace_id":"ID"}"#),
                    ("/registry/heartbeat", #"{"workspace_id":"ID","active_tasks":"many"}"#),
                ]
                for (path, body) in bodies {
                    for (id, bearer) in [(known, nil), (known, "wrong"), (unknown, "wrong")] as [(String, String?)] {
                        let response = try await fleet.api.raw(
                            .post, path, bearer: bearer, body: Array(body.replacing("ID", with: id).utf8),
                            type: "application/json", headers: [])
                        #expect(response.status == 401, "\(path) \(body) \(bearer ?? "nothing"): \(response.text)")
                    }
                }
                // An id without a workspace is not taken either, before its name is looked up.
                for (path, body) in bodies where path == "/registry/register" {
                    let response = try await fleet.api.raw(
                        .post, path, bearer: nil, body: Array(body.replacing("ID", with: unknown).utf8),
                        type: "application/json", headers: [])
                    #expect(response.status == 401, "\(body): \(response.text)")
                }
            }
        }

        @Test("A heartbeat's texts are cut, and counters that ran away are clamped: it must not fail over them")
        func heartbeats() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let (id, token) = try await fleet.create()
                let long = String(repeating: "x", count: 300_000)
                let body = #"""
                    {"workspace_id":"\#(id)","current_task":"\#(long)","sample_error":"\#(long)",
                     "runtime_state":"\#(long)","monthly_spend":1e999}
                    """#
                let response = try await fleet.api.raw(
                    .post, "/registry/heartbeat", bearer: token, body: Array(body.utf8), type: "application/json",
                    headers: [])
                #expect(response.text == #"{"status":"ok"}"#)
                let row = try await fleet.sql(
                    """
                    SELECT length(current_task), length(sample_error), length(runtime_state), w.monthly_spend
                    FROM workspace_vitals JOIN workspaces w ON w.id = workspace_id WHERE workspace_id = $1::uuid
                    """, [id])[0]
                let stored = (0..<4).map { row.int($0) }
                #expect(stored == [1000, 2000, 100, 1_000_000_000_000])
            }
        }
    }
}
