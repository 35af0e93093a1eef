import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

/// Schedules over HTTP, with agents that run.
extension PlatformTests {
    @Suite("Schedules", .serialized)
    struct ScheduleTests {
        private func with(
            environment: [String: String] = [:], _ body: (Platform, EchoAgentProcess) async throws -> Void
        ) async throws {
            let platform = try await Platform.start(scale: ["scheduler": 2], environment: environment)
            let agent = try await EchoAgentProcess.start(on: platform)
            do {
                try await body(platform, agent)
            } catch {
                await agent.stop()
                await platform.stop()
                throw error
            }
            await agent.stop()
            await platform.stop()
        }

        private func create(_ platform: Platform, _ agent: EchoAgentProcess, _ members: [String: JSONValue])
            async throws
            -> String
        {
            var body: [String: JSONValue] = ["name": "n", "cron_expr": "@every 1s", "prompt": "hello"]
            body.merge(members) { $1 }
            let response = try await platform.api.call(
                .post, "/workspaces/\(agent.id)/schedules", bearer: agent.token, body: .object(body))
            #expect(response.status == 201, "\(response.text)")
            #expect(response.json["status"]?.string == "created")
            return try #require(response.json["id"]?.string)
        }

        private func entry(_ platform: Platform, _ agent: EchoAgentProcess) async throws -> JSONValue {
            try await platform.api.call(.get, "/workspaces/\(agent.id)/schedules", bearer: agent.token).json[0] ?? .null
        }

        private func history(_ platform: Platform, _ agent: EchoAgentProcess, _ id: String) async throws -> [JSONValue]
        {
            let path = "/workspaces/\(agent.id)/schedules/\(id)/history"
            return try await platform.api.call(.get, path, bearer: agent.token).json.array ?? []
        }

        private func patch(
            _ platform: Platform, _ agent: EchoAgentProcess, _ id: String, _ body: JSONValue
        ) async throws -> API.ReceivedResponse {
            try await platform.api.call(
                .patch, "/workspaces/\(agent.id)/schedules/\(id)", bearer: agent.token, body: body)
        }

        @Test("A schedule fires, its agent gets the prompt, and all of it is on the stream and in the history")
        func lifecycle() async throws {
            try await with { platform, agent in
                let id = try await create(platform, agent, ["prompt": "a\r\nb"])
                try await eventually("the agent to be notified") {
                    try await agent.received().contains {
                        $0.text == "a\nb" && $0.messageID.hasPrefix("cron-\(id.prefix(8))-")
                    }
                }
                try await eventually("the run to be recorded") {
                    try await entry(platform, agent)["last_status"]?.string == "ok"
                }
                var names: Set<String> = []
                try await platform.api.stream("/events/stream?since=0") { block in
                    for name in ["CRON_FIRED", "CRON_EXECUTED"] where block.contains(name) { names.insert(name) }
                    return names.count < 2
                }
                let runs = try await history(platform, agent, id)
                #expect(runs.first?["status"]?.string == "ok")
                #expect(runs.first?["request"]?["prompt"]?.string == "a\nb")
                #expect(runs.first?["duration_ms"]?.int != nil)

                let disabled = try await patch(platform, agent, id, ["enabled": false])
                #expect(disabled.status == 200, "\(disabled.text)")
                #expect(disabled.json["next_run_at"] == .null)
                let fired = try await platform.api.call(
                    .post, "/workspaces/\(agent.id)/schedules/\(id)/run", bearer: agent.token)
                #expect(fired.json["status"]?.string == "fired")
                #expect(fired.json["prompt"]?.string == "a\nb")
                #expect(fired.json["workspace_id"]?.string == agent.id)
                try await eventually("the run by hand to be recorded") {
                    try await history(platform, agent, id).contains { $0["request"]?["trigger"]?.string == "manual" }
                }
                let deleted = try await platform.api.call(
                    .delete, "/workspaces/\(agent.id)/schedules/\(id)", bearer: agent.token)
                #expect(deleted.status == 200)
                #expect(try await entry(platform, agent) == .null)
            }
        }

        @Test(
            "A busy agent is not fired at twice; what it does not take in time is skipped, with the number of its tasks"
        )
        func busy() async throws {
            try await with { platform, agent in
                try await agent.command("busy on")
                let id = try await create(platform, agent, [:])
                try await eventually("a slot to be left out") {
                    try await entry(platform, agent)["last_error"]?.string == "skipped: previous run has not ended"
                }
                // The two minutes are over.
                try await platform.sql("UPDATE a2a_queue SET expires_at = now() WHERE schedule_id = '\(id)'")
                try await eventually("the run to be skipped") {
                    try await history(platform, agent, id).contains {
                        $0["error_detail"]?.string?.hasPrefix("skipped: workspace busy (active_tasks=") == true
                    }
                }
                try await agent.command("busy off")
                try await eventually("it to run once the agent is free") {
                    try await history(platform, agent, id).contains { $0["status"]?.string == "ok" }
                }
            }
        }

        @Test("A paused workspace is skipped; resuming it fires nothing by itself")
        func paused() async throws {
            try await with { platform, agent in
                let id = try await create(platform, agent, ["cron_expr": "0 0 1 1 *"])
                let paused = try await platform.api.call(.post, "/workspaces/\(agent.id)/pause")
                #expect(paused.status == 200, "\(paused.text)")
                try await platform.sql("UPDATE workspace_schedules SET next_run_at = now() WHERE id = '\(id)'")
                try await eventually("the slot to be skipped") {
                    try await entry(platform, agent)["last_error"]?.string == "skipped: workspace is paused"
                }
                let refused = try await platform.api.call(
                    .post, "/workspaces/\(agent.id)/schedules/\(id)/run", bearer: agent.token)
                #expect(refused.status == 409)
                #expect(refused.json["status"]?.string == "paused")
                // A slot that passes in the very moment of the resumption.
                try await platform.sql("UPDATE workspace_schedules SET next_run_at = now() + interval '1 hour'")
                let resumed = try await platform.api.call(.post, "/workspaces/\(agent.id)/resume")
                #expect(resumed.status == 200, "\(resumed.text)")
                try await platform.sql(
                    "UPDATE workspace_schedules SET next_run_at = (SELECT schedules_from FROM workspaces WHERE id = '\(agent.id)')"
                )
                try await eventually("the slot to move on") {
                    try await platform.sql("SELECT count(*) FROM workspace_schedules WHERE next_run_at > now()") == "1"
                }
                #expect(try await platform.sql("SELECT count(*) FROM a2a_queue WHERE schedule_id = '\(id)'") == "0")
            }
        }

        @Test("Refusals name the field; a schedule of another workspace is unknown; names are unique")
        func refusals() async throws {
            try await with { platform, agent in
                let path = "/workspaces/\(agent.id)/schedules"
                for (body, field, sentence) in [
                    (["cron_expr": "* * * * *"], "prompt", "cron_expr and prompt are required"),
                    (["prompt": "p"], "cron_expr", "cron_expr and prompt are required"),
                    (
                        ["cron_expr": "* * * * *", "prompt": "p", "timezone": "Nowhere/At"], "timezone",
                        "invalid timezone: Nowhere/At"
                    ),
                    (["cron_expr": "* * * * *", "prompt": "p", "overlap": "both"], "overlap", "invalid request body"),
                ] as [(JSONValue, String, String)] {
                    let response = try await platform.api.call(.post, path, bearer: agent.token, body: body)
                    #expect(response.status == 400)
                    #expect(response.json["error"]?.string == sentence)
                    #expect(response.json["field"]?.string == field)
                }
                let bad = try await platform.api.call(
                    .post, path, bearer: agent.token, body: ["cron_expr": "0 0 30 2 *", "prompt": "p"])
                #expect(bad.status == 400)
                #expect(bad.json["field"]?.string == "cron_expr")
                #expect(bad.json["error"]?.string?.hasPrefix("invalid cron expression: ") == true)
                let id = try await create(platform, agent, ["cron_expr": "0 0 1 1 *"])
                let twin = try await platform.api.call(
                    .post, path, bearer: agent.token, body: ["name": "n", "cron_expr": "@daily", "prompt": "p"])
                #expect(twin.status == 409)
                let other = try await EchoAgentProcess.start(on: platform, name: "other")
                defer { Task { await other.stop() } }
                let foreign = "/workspaces/\(other.id)/schedules/\(id)"
                for (method, path) in [
                    (.patch, foreign), (.delete, foreign), (.post, foreign + "/run"), (.get, foreign + "/history"),
                ]
                    as [(HTTPMethod, String)]
                {
                    let response = try await platform.api.call(
                        method, path, bearer: other.token, body: method == .patch ? ["enabled": false] : nil)
                    #expect(response.status == 404, "\(method) \(response.text)")
                    #expect(response.json["error"]?.string == "schedule not found")
                }
                await other.stop()
            }
        }

        @Test("A peer that may talk to the workspace sees how its schedules are doing, and nothing of what they say")
        func health() async throws {
            try await with { platform, agent in
                _ = try await create(platform, agent, ["cron_expr": "0 0 1 1 *", "prompt": "a secret"])
                let peer = try await EchoAgentProcess.start(on: platform, name: "peer")
                let path = "/workspaces/\(agent.id)/schedules/health"
                func ask(_ caller: String?, _ token: String?) async throws -> API.ReceivedResponse {
                    let headers: HTTPHeaders = caller.map { ["X-Workspace-ID": $0] } ?? [:]
                    return try await platform.api.call(.get, path, bearer: token, headers: headers)
                }
                let seen = try await ask(peer.id, peer.token)
                #expect(seen.status == 200, "\(seen.text)")
                #expect(seen.json[0]?["name"]?.string == "n")
                #expect(!seen.text.contains("secret"))
                #expect(!seen.text.contains("cron_expr"))
                let anonymous = try await ask(nil, peer.token)
                #expect(anonymous.status == 401)
                #expect(anonymous.json["error"]?.string == "X-Workspace-ID header required")
                #expect(try await ask(peer.id, nil).status == 401)
                #expect(try await ask(peer.id, agent.token).status == 401)
                #expect(try await ask("system:scheduler", Platform.adminToken).status == 403)
                // A child of an unrelated workspace has no peers here.
                let child = try await EchoAgentProcess.start(on: platform, name: "child")
                try await platform.sql("UPDATE workspaces SET parent_id = '\(peer.id)' WHERE id = '\(child.id)'")
                let stranger = try await ask(child.id, child.token)
                #expect(stranger.status == 403)
                #expect(stranger.json["error"]?.string == "access denied")
                await child.stop()

                try await platform.sql("UPDATE workspace_schedules SET last_status = 'error', last_error = 'boom'")
                // What is wrong with an expression quotes it, and is for its owner and operators alone.
                try await platform.sql(
                    "UPDATE workspace_schedules SET last_error = 'invalid cron expression: minute: 61 is above 59'")
                let broken = try await ask(peer.id, peer.token).json[0]?["last_error"]?.string
                #expect(broken == "invalid cron expression")
                let owned = try await platform.api.call(
                    .get, "/workspaces/\(agent.id)/schedules", bearer: agent.token)
                #expect(owned.json[0]?["last_error"]?.string?.hasSuffix("61 is above 59") == true)

                try await platform.sql("UPDATE workspace_schedules SET last_error = 'boom'")
                let troubled = try await platform.api.call(.get, "/admin/schedules/health")
                #expect(troubled.json[0]?["problems"]?[0]?.string == "failing")
                #expect(troubled.json[0]?["workspace_id"]?.string == agent.id)
                let liveness = try await platform.api.call(.get, "/admin/liveness").json["subsystems"]
                for name in ["scheduler", "schedule-outcomes"] {
                    #expect(liveness?[name]?["last_tick_at"]?.string != nil, "\(name)")
                }
                await peer.stop()
            }
        }

        @Test("A template's schedules are its workspaces' from the beginning")
        func templates() async throws {
            let folder = try TemporaryFolder.make("templates")
            try FileManager.default.createDirectory(atPath: folder + "/nightly", withIntermediateDirectories: true)
            try """
            runtime: external
            schedules:
              - {name: night, cron_expr: "0 3 * * *", timezone: Europe/Berlin, prompt: "Summarise the day.", missed: skip}
              - {name: broken, cron_expr: "61 * * * *", prompt: "never"}
              - {name: off, cron_expr: "@daily", prompt: "not yet", enabled: false, overlap: queue}
            """.write(toFile: folder + "/nightly/config.yaml", atomically: true, encoding: .utf8)
            let platform = try await Platform.start(environment: ["TEMPLATES_DIR": folder])
            let made = try await platform.api.call(
                .post, "/workspaces", body: ["name": "w", "template": "nightly", "external": true])
            #expect(made.status == 201, "\(made.text)")
            let id = try #require(made.json["id"]?.string)
            try await eventually("the first slot to be computed") {
                try await platform.api.call(.get, "/workspaces/\(id)/schedules").json[0]?["next_run_at"]?.string != nil
            }
            let entries = try await platform.api.call(.get, "/workspaces/\(id)/schedules").json.array ?? []
            #expect(entries.map { $0["name"]?.string } == ["night", "off"])
            #expect(entries.allSatisfy { $0["source"]?.string == "template" })
            #expect(entries.first?["missed"]?.string == "skip")
            #expect(entries.last?["overlap"]?.string == "queue")
            #expect(entries.last?["next_run_at"] == .null)
            await platform.stop()
        }
    }
}
