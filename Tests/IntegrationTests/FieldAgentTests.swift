import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

/// One call as the program printed it.
private struct FieldCall {
    let line: JSONValue

    var status: Int { line["status"]?.int ?? 0 }
    var body: JSONValue? { line["body"] }
    var response: JSONValue? { line["answer"] }
    var path: String { line["path"]?.string ?? "" }
    /// Whether the bearer, and whether the workspace's id, went with it.
    var credentials: [Bool] { [line["bearer"]?.bool == true, line["identity"]?.string != nil] }
}

extension PlatformTests {
    /// What existing agents send, header by header, and what they need back. Their file uploads and their WebSocket are not
    /// part of it.
    @Suite("Agents in the field", .serialized)
    struct FieldAgentTests {
        private struct Run {
            let own = UUID().uuidString.lowercased()
            var target = ""
            var parent = ""
            var lines: [JSONValue] = []

            func calls(_ step: String) -> [FieldCall] {
                lines.filter { $0["step"]?.string == step && $0["status"] != nil }.map { FieldCall(line: $0) }
            }

            func result(_ step: String) -> JSONValue? {
                lines.first { $0["step"]?.string == step && $0["status"] == nil }?["result"]
            }

            /// The only call of a step.
            func call(_ step: String) throws -> FieldCall {
                let calls = calls(step)
                try #require(calls.count == 1, "\(step): \(calls.map(\.line))")
                return calls[0]
            }
        }

        @Test("Every call gets what the agent needs back")
        func everyCall() async throws {
            let platform = try await Platform.start(scale: ["a2a-proxy": 2])
            let (agent, peer) = (try await StandardAgent.start(), try await StandardAgent.start())
            var run = Run()
            run.target = try await peer.register(at: platform.api)
            let parent = try await platform.api.call(
                .post, "/workspaces", body: ["name": "the parent", "external": true])
            run.parent = try #require(parent.json["id"]?.string)
            let moved = try await platform.api.call(
                .patch, "/workspaces/\(run.target)", body: ["parent_id": .string(run.parent), "name": "the target"])
            #expect(moved.status == 200)
            run.lines = try await PythonProgram.run(
                "every_call.py",
                [
                    platform.url, run.own, agent.url + "/", run.parent, run.target, UUID().uuidString.lowercased(),
                    try TemporaryFolder.make("field"),
                ], environment: ["ADMIN_TOKEN": Platform.adminToken])
            try checkBoot(run)
            try checkBeats(run)
            try checkDelegations(run)
            try checkResults(run)
            try checkTools(run)
            try await checkFeed(run, platform.api)
            await agent.stop()
            await peer.stop()
            await platform.stop()
        }

        private func checkBoot(_ run: Run) throws {
            let first = try run.call("register")
            #expect(first.status == 200)
            #expect(first.credentials == [false, false])
            #expect(first.response?["auth_token"]?.string?.count == 43)
            let again = try run.call("register again")
            #expect(again.status == 200)
            #expect(again.credentials == [true, false])
            #expect(again.response?["auth_token"] == nil)

            let peers = try run.call("peers at boot")
            #expect(peers.credentials == [false, true])
            #expect(run.result("peers at boot")?.array != nil, "the agent reads a list, whatever the response is")

            for (step, prefix) in [("initial prompt", "initial-"), ("idle prompt", "idle-")] {
                let prompt = try run.call(step)
                #expect(prompt.credentials == [true, true])
                #expect(prompt.body?["jsonrpc"] == nil)
                #expect(prompt.body?["id"] == nil)
                #expect(prompt.body?["params"]?["message"]?["messageId"]?.string?.hasPrefix(prefix) == true)
                #expect(prompt.status == 200)
                #expect(prompt.response?["result"]?["parts"]?[0]?["text"] == "direct: done")
            }
            // No connection: five tries, each refused with the same message, with the waits between them.
            let tries = run.calls("lost prompt")
            #expect(tries.map(\.status) == [502, 502, 502, 502, 502])
            #expect(tries.allSatisfy { $0.response?["error"] == "failed to reach workspace agent" })
            #expect(Set(tries.compactMap { $0.body?["params"]?["message"]?["messageId"]?.string }).count == 5)
            #expect(run.result("waits") == [1, 2, 4, 8])
            #expect(run.result("lost prompt") == false)
        }

        private func checkBeats(_ run: Run) throws {
            for step in ["heartbeat", "wedged heartbeat", "recovered heartbeat"] {
                let beat = try run.call(step)
                #expect(beat.status == 200)
                #expect(beat.credentials == [true, false])
            }
            let peers = try run.call("list peers")
            #expect(peers.status == 200)
            #expect(peers.credentials == [true, true])
            let entries = try #require(peers.response?.array)
            #expect(Set(entries.compactMap { $0["id"]?.string }) == [run.target, run.parent])
            for entry in entries {
                for field in ["id", "name", "status", "role", "parent_id", "agent_card"] {
                    #expect(entry[field] != nil, "\(field) is missing")
                }
                #expect(entry["name"]?.string != nil)
            }
        }

        private func checkDelegations(_ run: Run) throws {
            let first = try run.call("delegate")
            #expect(first.status == 202)
            #expect(first.credentials == [true, false])
            #expect(first.body?["idempotency_key"]?.string?.count == 32)
            let identity = try #require(first.response?["delegation_id"]?.string)
            #expect(
                first.response
                    == ["delegation_id": .string(identity), "status": "delegated", "target_id": .string(run.target)])
            let again = try run.call("delegate again")
            #expect(again.status == 200)
            #expect(again.response?["delegation_id"]?.string == identity)
            #expect(again.response?["idempotent_hit"] == true)
            #expect(again.response?["target_id"]?.string == run.target)

            let second = try #require(try run.call("delegate more").response?["delegation_id"]?.string)
            let list = try run.call("delegations")
            #expect(list.status == 200)
            #expect(list.credentials == [true, false])
            let entries = try #require(list.response?.array)
            // Each shows twice, its result in front; the newest delegation's on top.
            #expect(entries.compactMap { $0["delegation_id"]?.string } == [second, second, identity, identity])
            #expect(entries.allSatisfy { $0["status"] == "completed" && $0["source_id"]?.string == run.own })
            #expect(entries.allSatisfy { $0["target_id"]?.string == run.target })
            #expect(
                entries.compactMap { $0["summary"]?.string } == [
                    "Delegation completed (step 0)", "Delegating to the target", "Delegation completed (direct: done)",
                    "Delegating to the target",
                ])
            #expect(entries[0]["response_preview"] == "step 0")
            #expect(entries[2]["response_preview"] == "direct: done")
        }

        private func checkResults(_ run: Run) throws {
            let lookups = run.calls("parent")
            #expect(lookups.map(\.status) == [200, 200])
            #expect(lookups.map(\.path) == ["/workspaces/\(run.own)", "/workspaces/\(run.parent)"])
            #expect(run.result("parent") == "the parent")

            let wake = try run.call("wake self")
            #expect(wake.credentials == [true, true])
            #expect(wake.body?["params"]?["message"]?["messageId"] == nil)
            #expect(wake.body?["params"]?["message"]?["parts"]?[0]?["type"] == "text")
            #expect(wake.status == 200)
            #expect(wake.response?["result"]?["parts"]?[0]?["text"] == "direct: done")

            for step in ["notify result", "tell"] {
                let notification = try run.call(step)
                #expect(notification.status == 200, "\(notification.line)")
                #expect(notification.credentials == [true, false])
            }

            let steps = run.calls("sync delegation")
            let activity = "/workspaces/\(run.own)/activity"
            #expect(
                steps.map(\.path) == [
                    "/registry/discover/\(run.target)", activity, "/registry/heartbeat", "/", activity,
                    "/registry/heartbeat",
                ])
            #expect(steps.map(\.status) == [200, 200, 200, 200, 200, 200])
            #expect(steps[0].credentials == [true, true])
            #expect(steps[0].response?["name"] == "the target")
            // Straight to the peer, which gets no credentials of the platform.
            #expect(steps[3].credentials == [false, false])
            #expect(steps[0].response?["url"]?.string == "http://\(steps[3].line["host"]?.string ?? "")/")
            #expect(run.result("sync delegation") == "direct: done")
        }

        private func checkTools(_ run: Run) throws {
            for step in [
                "tool discover", "tool record", "tool update completed", "tool update failed", "tool update queued",
                "tool notify",
            ] {
                let call = try run.call(step)
                #expect(call.credentials[0] == false)
                #expect([400, 401].contains(call.status), "\(step): \(call.line)")
                #expect(call.response?["error"]?.string != nil)
            }
            for step in ["instructions", "shared-context", "checkpoints", "memories", "approvals"] {
                #expect(try run.call(step).status == 404, "\(step)")
            }
        }

        /// What was reported is in the feed, and the calls of the proxy beside it.
        private func checkFeed(_ run: Run, _ api: API) async throws {
            var entries: [JSONValue] = []
            try await eventually("the feed to show the calls") {
                entries = try await api.call(.get, "/workspaces/\(run.own)/activity?limit=200").json.array ?? []
                return entries.contains { $0["method"] == "message/send" && $0["source_id"]?.string == run.own }
            }
            let reported = entries.filter { $0["activity_type"] == "a2a_send" }
            #expect(reported.count == 1)
            #expect(reported.first?["request_body"]?["task"] == "direct")
            #expect(entries.contains { $0["response_body"]?["result"] == "direct: done" })
            #expect(entries.contains { $0["method"] == "delegate_result" })
        }

        @Test("Where no credentials are required, the tools that send none work")
        func openDevelopment() async throws {
            try await Fleet.with(["a2a-proxy", "registry"], environment: ["ADMIN_TOKEN": ""]) { fleet in
                let registry = fleet.apis[1]
                var ids: [String] = []
                for name in ["source", "target"] {
                    let made = try await registry.call(
                        .post, "/workspaces", bearer: nil, body: ["name": .string(name), "external": true])
                    ids.append(try #require(made.json["id"]?.string))
                }
                let identity = UUID().uuidString.lowercased()
                let base = "/workspaces/\(ids[0])/delegations"
                let recorded = try await fleet.api.call(
                    .post, base + "/record", bearer: nil,
                    body: ["target_id": .string(ids[1]), "task": "t", "delegation_id": .string(identity)])
                #expect(recorded.status == 202)
                #expect(recorded.json == ["delegation_id": .string(identity), "status": "recorded"])
                func update(_ status: String) async throws -> API.ReceivedResponse {
                    try await fleet.api.call(
                        .post, "\(base)/\(identity)/update", bearer: nil,
                        body: ["status": .string(status), "error": "", "response_preview": "done"])
                }
                let queued = try await update("queued")
                #expect(queued.status == 400)
                #expect(queued.json["error"] == "status must be 'completed' or 'failed'")
                #expect(try await update("completed").status == 200)
                let entries = try await fleet.api.call(.get, base, bearer: nil).json.array ?? []
                #expect(entries.compactMap { $0["status"]?.string } == ["completed", "completed"])
                #expect(entries.first?["response_preview"] == "done")
            }
        }
    }
}
