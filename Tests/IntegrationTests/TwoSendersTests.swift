import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

/// Senders who have nothing to do with each other, and what a sender may request twice.
@Suite("Senders of messages that wait", .serialized)
struct TwoSendersTests {
    private func with(_ count: Int, _ body: (Fleet, [ScriptedAgent]) async throws -> Void) async throws {
        try await Fleet.with(["a2a-proxy", "a2a-proxy", "registry"]) { fleet in
            try await fleet.withAgents(count, registry: fleet.apis[2]) { try await body(fleet, $0) }
        }
    }

    @Test("Two senders with the same messageId have two messages, and each sees its own")
    func sameID() async throws {
        try await with(3) { fleet, agents in
            let target = agents[0]
            try await target.beat(fleet.apis[2])
            target.does(ScriptedAgent.busy)
            var items: [String] = []
            for (api, sender) in zip(fleet.apis, agents[1...]) {
                let queued = try await api.message("from \(sender.id)", to: target.id, id: "1", from: sender.caller)
                #expect(queued.status == 202)
                items.append(try #require(queued.json["queue_id"]?.string))
            }
            #expect(Set(items).count == 2)
            for (sender, other) in [(0, 1), (1, 0)] {
                let token = agents[sender + 1].caller.token
                #expect(try await fleet.api.call(.get, "/queue/\(items[sender])", bearer: token).status == 200)
                #expect(try await fleet.api.call(.get, "/queue/\(items[other])", bearer: token).status == 401)
            }
            let before = target.deliveries.count
            target.does(ScriptedAgent.echo)
            try await eventually("both to be delivered") {
                try await target.beat(fleet.apis[2])
                return target.deliveries.count == before + 2
            }
            #expect(
                Set(target.deliveries[before...].map(\.text)) == Set(agents[1...].map { "from \($0.id)" }))
        }
    }

    @Test(
        "The same sender's message is one however often it comes; another one of its id is refused, and nothing stored")
    func sameSender() async throws {
        try await with(2) { fleet, agents in
            let (target, sender) = (agents[0], agents[1])
            target.does(ScriptedAgent.busy)
            func send(_ text: String, path: String, request: Int, context: String = "c") async throws
                -> API.ReceivedResponse
            {
                try await fleet.apis[request % 2].call(
                    .post, path, bearer: sender.caller.token,
                    body: [
                        "jsonrpc": "2.0", "id": .int(request), "method": "message/send",
                        "params": [
                            "message": [
                                "role": "user", "messageId": "1", "contextId": .string(context),
                                "parts": [["kind": "text", "text": .string(text)]],
                            ]
                        ],
                    ], headers: ["X-Workspace-ID": sender.id])
            }
            let path = "/workspaces/\(target.id)/a2a"
            let item = try await send("one", path: path, request: 1).json["queue_id"]
            #expect(item != nil)
            #expect(try await send("one", path: path, request: 2).json["queue_id"] == item)
            let task = try await send("one", path: "/agents/\(target.id)", request: 3)
            #expect(task.json["result"]?["id"] == item)
            for (text, context) in [("two", "c"), ("one", "d")] {
                let refused = try await send(text, path: path, request: 4, context: context)
                #expect(refused.status == 409)
                #expect(refused.json["field"] == "messageId")
                let standard = try await send(text, path: "/agents/\(target.id)", request: 5, context: context)
                #expect(standard.json["error"]?["data"]?["status"] == 409)
            }
            #expect(try await fleet.sql("SELECT count(*) FROM a2a_queue")[0].int(0) == 1)
        }
    }

    @Test("Nothing is tried once more for a workspace that was removed")
    func retryOfARemoved() async throws {
        try await with(1) { fleet, agents in
            let target = agents[0]
            target.does(ScriptedAgent.busy)
            let item = try #require(try await fleet.api.message("x", to: target.id).json["queue_id"]?.string)
            try await fleet.sql("UPDATE a2a_queue SET status = 'failed'")
            let deleted = try await fleet.apis[2].call(.delete, "/workspaces/\(target.id)")
            #expect(deleted.status == 200)
            let refused = try await fleet.api.call(.post, "/admin/a2a-queue/\(item)/retry")
            #expect(refused.status == 409)
            #expect(refused.json["error"] == "workspace removed")
            #expect(refused.json["status"] == "removed")
            #expect(try await fleet.api.call(.get, "/queue/\(item)").json["status"] == "failed")
        }
    }

    /// Each round begins with a workspace that both proxies have just read for the first time, and would cache for five
    /// seconds more. Most rounds are to be quick: in one, the machine may be slow, and in another the proxies forget all
    /// that they cached, since they have only just begun to consume events.
    @Test("A capability that a heartbeat declares holds in every proxy at once")
    func capabilities() async throws {
        try await with(0) { fleet, _ in
            var rounds: [Duration] = []
            for _ in 0..<5 {
                let agent = try await ScriptedAgent.join(fleet.apis[2])
                agent.does(ScriptedAgent.busy)
                for api in fleet.apis[..<2] {
                    #expect(try await api.message("x", to: agent.id).status == 202)
                }
                let response = try await fleet.apis[2].call(
                    .post, "/registry/heartbeat", bearer: agent.caller.token,
                    body: [
                        "workspace_id": .string(agent.id), "active_tasks": 0,
                        "runtime_metadata": ["capabilities": ["session": true]],
                    ])
                #expect(response.status == 200)
                let start = ContinuousClock.now
                try await eventually("both proxies to leave it to the agent") {
                    for api in fleet.apis[..<2] {
                        guard try await api.message("x", to: agent.id).json["native_session"] == true else {
                            return false
                        }
                    }
                    return true
                }
                rounds.append(.now - start)
                await agent.stop()
            }
            #expect(rounds.sorted()[2] < .seconds(4), "\(rounds)")
        }
    }
}
