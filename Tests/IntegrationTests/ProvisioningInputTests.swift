import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

extension RegistryProcessTests {
    /// What a workspace is started with: its template and its secrets.
    @Suite("What workspaces are started with", .serialized)
    struct ProvisioningInputTests {
        private static let keys = Data(repeating: 7, count: 32).base64EncodedString()

        private func templates() throws -> String {
            let folder = try TemporaryFolder.make("templates")
            let files = [
                "writer/config.yaml": """
                runtime: claude-code
                model: opus
                max_concurrent_tasks: 4
                runtime_config:
                  provision_timeout_seconds: 90
                """,
                "writer/prompts/system.md": "You write.",
                "slow/config.yaml": "runtime: claude-code\nruntime_config: {provision_timeout_seconds: 300}\n",
                "broken/config.yaml": "runtime: [",
            ]
            for (path, text) in files {
                let url = URL(fileURLWithPath: "\(folder)/\(path)")
                try FileManager.default.createDirectory(
                    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
                try text.write(to: url, atomically: true, encoding: .utf8)
            }
            return folder
        }

        @Test("A template fills what the request leaves open, and its files are in the volume")
        func template() async throws {
            try await Machines.with(environment: ["TEMPLATES_DIR": try templates()]) { machines in
                let api = machines.fleet.api
                let listed = try await api.call(.get, "/templates")
                #expect(listed.json.array?.compactMap { $0["name"]?.string } == ["broken", "slow", "writer"])
                let writer = listed.json[2]
                #expect(writer?["runtime"]?.string == "claude-code" && writer?["model"]?.string == "opus")
                #expect(writer?["max_concurrent_tasks"]?.int == 4 && writer?["provision_timeout_ms"]?.int == 90_000)
                #expect(try await api.call(.get, "/templates", bearer: nil).status == 401)

                let (id, _) = try await machines.started(["template": "writer", "runtime": .null])
                let workspace = try await machines.workspace(id)
                #expect(workspace["runtime"]?.string == "claude-code")
                #expect(workspace["max_concurrent_tasks"]?.int == 4)
                #expect(workspace["provision_timeout_ms"]?.int == 300_000, "the longest of its runtime")
                let machine = try #require(machines.machine(id))
                #expect(machine.request["environment"]?["MODEL"]?.string == "opus")
                #expect(machine.files["prompts/system.md"] == Array("You write.".utf8))
                #expect(machine.files["config.yaml"] != nil)

                let (own, _) = try await machines.started([
                    "template": "writer", "runtime": "langgraph", "model": "small", "max_concurrent_tasks": 1,
                ])
                let chosen = try await machines.workspace(own)
                #expect(chosen["runtime"]?.string == "langgraph" && chosen["max_concurrent_tasks"]?.int == 1)
                #expect(chosen["provision_timeout_ms"] == nil)
                for name in ["nothing", "../writer", "/etc", "writer/../slow", "."] {
                    let refused = try await api.call(
                        .post, "/workspaces", body: ["name": "w", "template": .string(name)])
                    #expect(refused.status == 400 && refused.json["field"]?.string == "template", "\(name)")
                }
            }
        }

        @Test("Secrets are in the environment; a change restarts what it concerns, and nothing else")
        func secrets() async throws {
            try await Machines.with(environment: ["SECRETS_ENCRYPTION_KEY": Self.keys]) { machines in
                let api = machines.fleet.api
                let put = { @Sendable (path: String, key: String, value: String) in
                    try await api.call(.put, path, body: ["key": .string(key), "value": .string(value)]).status
                }
                #expect(try await put("/settings/secrets", "SHARED", "for-all") == 200)
                #expect(try await put("/settings/secrets", "PLATFORM_URL", "http://elsewhere.example") == 200)
                let (one, token) = try await machines.started()
                let (other, _) = try await machines.started()
                #expect(machines.machine(one)?.request["environment"]?["SHARED"]?.string == "for-all")
                let url = machines.machine(one)?.request["environment"]?["PLATFORM_URL"]?.string
                #expect(url == "http://platform.example", "no secret sends an agent elsewhere")

                #expect(try await put("/workspaces/\(one)/secrets", "SHARED", "its-own") == 200)
                try await eventually("the restart with the new value") {
                    machines.machine(one)?.request["environment"]?["SHARED"]?.string == "its-own"
                }
                #expect(try await machines.token(one) != token)
                #expect(machines.starts == 3)
                #expect(try await put("/settings/secrets", "SHARED", "changed") == 200)
                try await eventually("the other one's restart") {
                    machines.machine(other)?.request["environment"]?["SHARED"]?.string == "changed"
                }
                #expect(try await put("/settings/secrets", "SHARED", "changed") == 200)
                #expect(machines.starts == 4, "it has its own, and the same value again changes nothing")
            }
        }

        @Test("A secret that cannot be decrypted fails the start with a safe error message, and is disclosed nowhere")
        func undecryptable() async throws {
            try await Machines.with(environment: ["SECRETS_ENCRYPTION_KEY": Self.keys]) { machines in
                let (fleet, api) = (machines.fleet, machines.fleet.api)
                let (id, _) = try await machines.started()
                _ = try await api.call(
                    .put, "/workspaces/\(id)/secrets", body: ["key": "VERY_PRIVATE_KEY", "value": "hunter2-value"])
                try await eventually("the restart, and its end: another one meanwhile would be none") {
                    guard machines.starts == 2 else { return false }
                    let open = "SELECT count(*) FROM lifecycle_jobs WHERE completed_at IS NULL"
                    return try await fleet.sql(open)[0].int(0) == 0
                }
                try await fleet.sql("UPDATE workspace_secrets SET encrypted_value = '\\x0102', version = 2004711007")
                _ = try await machines.token(id)
                #expect(try await api.call(.post, "/workspaces/\(id)/restart").status == 200)
                try await eventually("it to fail") { try await machines.status(id) == "failed" }
                let reason = try await machines.workspace(id)["status_reason"]?.string
                #expect(reason == "failed to decrypt workspace secret")
                let events = try await fleet.sql("SELECT data::text FROM structure_events").map { $0.string(0) }
                #expect(events.contains { $0.contains("failed to decrypt workspace secret") })
                let logs = fleet.services.map(\.output)
                let response = try await api.call(.get, "/workspaces/\(id)").text
                for text in events + logs + [response] {
                    for secret in ["hunter2-value", "VERY_PRIVATE_KEY", "2004711007", "authentication tag", "AES"] {
                        #expect(!text.contains(secret))
                    }
                }
            }
        }
    }
}
