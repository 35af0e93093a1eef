import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport
import UVHTTPServer

/// What waits for a workspace, as its operator sees it.
@Suite("The queue of a workspace", .serialized)
struct QueueListTests {
    private func ids(_ response: API.ReceivedResponse) -> [String] {
        (response.json.array ?? []).compactMap { $0["queue_id"]?.string }
    }

    @Test("Items are listed in the order in which they will go, with their places; filters keep the places")
    func listing() async throws {
        try await Fleet.with(["a2a-proxy", "registry"]) { fleet in
            try await fleet.withAgents(2, registry: fleet.apis[1]) { agents in
                let (agent, other) = (agents[0], agents[1])
                try await agent.beat(fleet.apis[1])
                agent.does(ScriptedAgent.busy)
                var items: [String] = []
                for number in 0..<4 {
                    let queued = try await fleet.api.message(
                        "\(number)", to: agent.id, from: number == 2 ? other.caller : nil)
                    items.append(try #require(queued.json["queue_id"]?.string))
                    #expect(queued.json["queue_depth"]?.int == number + 1)
                }
                let path = "/workspaces/\(agent.id)/queue"
                try await fleet.sql("UPDATE a2a_queue SET priority = 100 WHERE id = $1::uuid", [items[3]])
                try await fleet.sql(
                    "UPDATE a2a_queue SET enqueued_at = enqueued_at - interval '2 hours' WHERE id = $1::uuid",
                    [items[1]])
                let all = try await fleet.api.call(.get, path)
                #expect(ids(all) == [items[3], items[1], items[0], items[2]])
                #expect(all.json.array?.compactMap { $0["position"]?.int } == [1, 2, 3, 4])
                #expect(all.json.array?.compactMap { $0["priority"]?.int } == [100, 50, 50, 50])
                for (place, id) in ids(all).enumerated() {
                    #expect(try await fleet.api.call(.get, "/queue/\(id)").json["position"]?.int == place + 1)
                }
                let ofCaller = try await fleet.api.call(.get, path + "?caller_id=\(other.id)")
                #expect(ids(ofCaller) == [items[2]])
                #expect(ofCaller.json[0]?["position"] == 4)
                #expect(ids(try await fleet.api.call(.get, path + "?min_age_minutes=60")) == [items[1]])
                #expect(ids(try await fleet.api.call(.get, path + "?status=dispatched")).isEmpty)
                #expect(ids(try await fleet.api.call(.get, path + "?status=queued&min_age_minutes=1")) == [items[1]])
                for query in ["status=completed", "status=x", "caller_id=x", "min_age_minutes=0", "min_age_minutes=x"] {
                    #expect(try await fleet.api.call(.get, "\(path)?\(query)").status == 400, "\(query)")
                }
                // Its caller may see it; another workspace may not.
                let asCaller = try await fleet.api.call(.get, "/queue/\(items[2])", bearer: other.caller.token)
                #expect(asCaller.status == 200)
                #expect(try await fleet.api.call(.get, "/queue/\(items[0])", bearer: other.caller.token).status == 401)
            }
        }
    }

    @Test("What was dropped or failed is found, and what failed is tried once more")
    func undelivered() async throws {
        let settings = ["A2A_FAILURE_RETRY_SECONDS": "1"]
        try await Fleet.with(["a2a-proxy", "registry"], environment: settings) { fleet in
            try await fleet.withAgents(1, registry: fleet.apis[1]) { agents in
                let agent = agents[0]
                try await agent.beat(fleet.apis[1])
                agent.does(ScriptedAgent.busy)
                func queue(_ text: String) async throws -> String {
                    try #require(try await fleet.api.message(text, to: agent.id).json["queue_id"]?.string)
                }
                let (dropped, stale, failed) = (try await queue("a"), try await queue("b"), try await queue("c"))
                let path = "/workspaces/\(agent.id)/queue"
                #expect(try await fleet.api.call(.delete, "\(path)/\(dropped)").json["status"] == "dropped")
                let again = try await fleet.api.call(.delete, "\(path)/\(dropped)")
                #expect(again.status == 409)
                #expect(again.json["status"] == "dropped")
                try await fleet.sql(
                    "UPDATE a2a_queue SET enqueued_at = now() - interval '61 minutes' WHERE id = $1::uuid", [stale])
                let elsewhere = "/admin/a2a-queue/drop-stale?workspace_id=\(UUID().uuidString.lowercased())"
                #expect(try await fleet.api.call(.post, elsewhere).json == ["dropped": 0])
                #expect(try await fleet.api.call(.post, "/admin/a2a-queue/drop-stale").json == ["dropped": 1])
                #expect(
                    ids(try await fleet.api.call(.get, path + "?status=dropped")).sorted() == [dropped, stale].sorted())

                // Five error responses; after its pause, a heartbeat with capacity makes the item available again.
                agent.does { _ in .error(.internalServerError, "boom") }
                try await eventually(within: .seconds(90), "the item to fail") {
                    try await agent.beat(fleet.apis[1])
                    return try await fleet.api.call(.get, "/queue/\(failed)").json["status"] == "failed"
                }
                let item = try await fleet.api.call(.get, "/queue/\(failed)").json
                #expect(item["attempts"] == 5)
                #expect(item["last_error"] == "boom")
                #expect(item["position"] == nil)
                #expect(ids(try await fleet.api.call(.get, path + "?status=failed")) == [failed])
                #expect(agent.deliveries.filter { $0.text == "c" }.count == 6)

                agent.does(ScriptedAgent.echo)
                #expect(try await fleet.api.call(.post, "/admin/a2a-queue/\(failed)/retry").json["status"] == "queued")
                try await eventually("the item to be delivered") {
                    try await agent.beat(fleet.apis[1])
                    return try await fleet.api.call(.get, "/queue/\(failed)").json["status"] == "completed"
                }
                #expect(try await fleet.api.call(.post, "/admin/a2a-queue/\(failed)/retry").status == 409)
                #expect(try await fleet.events(of: agent.id).filter { $0.hasPrefix("a2a.") }.last == "a2a.completed")
            }
        }
    }

    @Test("Urgent messages overtake; an expired one is dropped and reported")
    func orderAndExpiry() async throws {
        try await Fleet.with(["a2a-proxy", "registry", "sweeper"]) { fleet in
            try await fleet.withAgents(1, registry: fleet.apis[1]) { agents in
                let agent = agents[0]
                try await agent.beat(fleet.apis[1])
                agent.does(ScriptedAgent.busy)
                var items: [String: String] = [:]
                for text in ["task", "info", "critical", "expired"] {
                    items[text] = try await fleet.api.message(text, to: agent.id).json["queue_id"]?.string
                }
                try await fleet.sql(
                    """
                    UPDATE a2a_queue SET priority = CASE id WHEN $1::uuid THEN 10 WHEN $2::uuid THEN 100 ELSE 50 END,
                      expires_at = CASE id WHEN $3::uuid THEN now() ELSE expires_at END
                    """, [items["info"], items["critical"], items["expired"]])
                let before = agent.deliveries.count
                agent.does(ScriptedAgent.echo)
                try await agent.beat(fleet.apis[1])
                // One heartbeat is enough: as long as items complete, the drain goes on.
                try await eventually("all to be delivered") { agent.deliveries.count == before + 3 }
                #expect(agent.deliveries.dropFirst(before).map(\.text) == ["critical", "task", "info"])
                let expired = try #require(items["expired"])
                try await eventually(within: .seconds(60), "the expired one to be dropped") {
                    try await fleet.api.call(.get, "/queue/\(expired)").json["status"] == "dropped"
                }
                #expect(try await fleet.events(of: agent.id).contains("a2a.dropped"))
                let lifetimes = try await fleet.sql(
                    "SELECT bool_and(expires_at - enqueued_at > interval '6 days 23 hours') FROM a2a_queue WHERE id <> $1::uuid",
                    [expired])
                #expect(lifetimes[0].bool(0))
            }
        }
    }
}
