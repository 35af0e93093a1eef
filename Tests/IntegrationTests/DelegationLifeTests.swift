import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport
import UVHTTPServer

/// The lives of delegations over HTTP, two proxies for one queue.
@Suite("Lives of delegations", .serialized)
struct DelegationLifeTests {
    /// Registry first, then the proxies: `fleet.apis[0]`, and either of the others.
    private func with(
        _ more: [String] = [],
        _ body: (Fleet, _ source: ScriptedAgent, _ target: ScriptedAgent) async throws -> Void
    ) async throws {
        try await Fleet.with(
            ["registry", "a2a-proxy", "a2a-proxy"] + more, environment: ["A2A_DELEGATION_RETRY_SECONDS": "1"]
        ) { fleet in
            try await fleet.withAgents(2, registry: fleet.api) { agents in
                for agent in agents { try await agent.beat(fleet.api) }
                try await body(fleet, agents[0], agents[1])
            }
        }
    }

    private func delegate(
        _ api: API, _ source: ScriptedAgent, _ target: String, _ task: String, key: String? = nil,
        headers: HTTPHeaders = [:]
    ) async throws -> API.ReceivedResponse {
        var body: [String: JSONValue] = ["target_id": .string(target), "task": .string(task)]
        if let key { body["idempotency_key"] = .string(key) }
        return try await api.call(
            .post, "/workspaces/\(source.id)/delegate", bearer: source.caller.token, body: .object(body),
            headers: headers)
    }

    private func entries(_ api: API, of source: ScriptedAgent) async throws -> [JSONValue] {
        try await api.call(.get, "/workspaces/\(source.id)/delegations", bearer: source.caller.token).json.array ?? []
    }

    /// Waits until the first entry of the list has a status, and returns it.
    private func first(_ api: API, of source: ScriptedAgent, is status: String) async throws -> JSONValue {
        var found: JSONValue = .null
        try await eventually(within: .seconds(30), "the newest entry to be \(status)", detail: { "\(found)" }) {
            found = try await entries(api, of: source).first ?? .null
            return found["status"]?.string == status
        }
        return found
    }

    @Test("At a busy target it waits, and its result is stitched back, on whichever proxy")
    func waits() async throws {
        try await with { fleet, source, target in
            let long = String(repeating: "Größe 👩‍👩‍👧‍👦 ", count: 60)
            target.does(ScriptedAgent.busy)
            let trace = "0af7651916cd43dd8448eb211c80319c"
            let made = try await delegate(
                fleet.apis[1], source, target.id, "work", headers: ["traceparent": "00-\(trace)-b7ad6b7169203331-01"])
            #expect(made.status == 202)
            let id = try #require(made.json["delegation_id"]?.string)
            let queued = try await first(fleet.apis[2], of: source, is: "queued")
            #expect(queued["summary"] == "Delegation queued — target at capacity")
            #expect(queued["type"] == "delegation")
            // The request behind it has the same states.
            let request = try #require(try await entries(fleet.apis[1], of: source).last)
            #expect(request["status"] == "queued")
            #expect(request["id"]?.string == id)
            #expect(queued["id"]?.string == id)

            let sent = try #require(target.deliveries.first)
            #expect(sent.messageID == id)
            #expect(sent.body["params"]?["message"]?["metadata"]?["delegation_id"]?.string == id)
            #expect(sent.body["params"]?["message"]?["parts"] == [["type": "text", "text": "work"]])
            #expect(sent.headers["authorization"] == nil)

            target.does { _ in ScriptedAgent.reply(long) }
            try await target.beat(fleet.api)
            let done = try await first(fleet.apis[1], of: source, is: "completed")
            #expect(done["response_preview"]?.string == String(long.prefix(300)) + "...")
            #expect(done["summary"]?.string == "Delegation completed (\(long.prefix(80)))")
            #expect(target.deliveries.count == 2)
            // However long it waits, it belongs to the trace of its requester.
            #expect(target.deliveries.allSatisfy { $0.headers["traceparent"]?.contains(trace) == true })
            let events = try await fleet.sql(
                """
                SELECT type, data->>'via', data->>'status' FROM structure_events
                WHERE type LIKE 'delegation.%' AND workspace_id = $1::uuid ORDER BY sequence
                """, [source.id])
            #expect(try events.map { $0.string(0) }.first == "delegation.sent")
            #expect(try events.map { $0.string(0) }.last == "delegation.completed")
            #expect(try events.map { $0.optionalString(1) }.last == "queue_drain")
            for api in fleet.apis[1...] {
                let one = try await api.call(
                    .get, "/workspaces/\(source.id)/delegations/\(id)", bearer: source.caller.token)
                #expect(one.json["response"]?.string == long)
                #expect(
                    try await entries(api, of: source).compactMap { $0["status"]?.string } == [
                        "completed", "completed",
                    ])
                let foreign = try await api.call(
                    .get, "/workspaces/\(target.id)/delegations/\(id)", bearer: target.caller.token)
                #expect(foreign.status == 404)
            }
        }
    }

    @Test("A bad gateway is tried once more, then it is the end; the agent's own refusal is the end at once")
    func failures() async throws {
        try await with { fleet, source, target in
            target.does { _ in .error(.badGateway, "upstream of the agent is down") }
            #expect(try await delegate(fleet.apis[1], source, target.id, "twice", key: "k").status == 202)
            let failed = try await first(fleet.apis[2], of: source, is: "failed")
            #expect(failed["error"] == "upstream of the agent is down")
            #expect(failed["summary"] == "Delegation failed")
            #expect(target.deliveries.count == 2)
            #expect(Set(target.deliveries.compactMap(\.messageID)).count == 1)

            // Its key is free again.
            target.does { _ in .error(.badRequest, "no such skill") }
            let again = try await delegate(fleet.apis[2], source, target.id, "once", key: "k")
            #expect(again.status == 202)
            #expect(again.json["delegation_id"] != failed["delegation_id"])
            try await eventually("the second to fail") {
                try await entries(fleet.apis[1], of: source).first?["error"] == "no such skill"
            }
            #expect(target.deliveries.count == 3)

            target.does(ScriptedAgent.echo)
            let third = try await delegate(fleet.apis[1], source, target.id, "good", key: "k")
            #expect(third.status == 202)
            _ = try await first(fleet.apis[1], of: source, is: "completed")
            let hit = try await delegate(fleet.apis[2], source, target.id, "good", key: "k")
            #expect(hit.status == 200)
            #expect(
                hit.json == [
                    "delegation_id": third.json["delegation_id"] ?? .null, "status": "completed",
                    "target_id": .string(target.id), "idempotent_hit": true,
                ])
            #expect(target.deliveries.count == 4)
        }
    }

    @Test("Cancelled while it waits, expired in the queue: both fail visibly, and are not delivered")
    func ends() async throws {
        try await with(["sweeper"]) { fleet, source, target in
            target.does(ScriptedAgent.busy)
            let made = try await delegate(fleet.apis[1], source, target.id, "cancel me")
            let id = try #require(made.json["delegation_id"]?.string)
            _ = try await first(fleet.apis[1], of: source, is: "queued")
            let path = "/workspaces/\(source.id)/delegations/\(id)/cancel"
            #expect(try await fleet.apis[2].call(.post, path, bearer: target.caller.token).status == 401)
            #expect(try await fleet.apis[2].call(.post, path, bearer: source.caller.token).status == 200)
            let cancelled = try await first(fleet.apis[1], of: source, is: "failed")
            #expect(cancelled["error"] == "cancelled")
            let again = try await fleet.apis[1].call(.post, path, bearer: source.caller.token)
            #expect(again.status == 409)
            #expect(again.json["status"] == "failed")

            try await target.beat(fleet.api)
            let late = try await delegate(fleet.apis[2], source, target.id, "expire")
            let lateID = try #require(late.json["delegation_id"]?.string)
            _ = try await first(fleet.apis[1], of: source, is: "queued")
            try await fleet.sql("UPDATE a2a_queue SET expires_at = now() WHERE status = 'queued'")
            try await eventually(within: .seconds(60), "the expired one to fail") {
                let one = try await fleet.apis[1].call(
                    .get, "/workspaces/\(source.id)/delegations/\(lateID)", bearer: source.caller.token)
                return one.json["status"] == "failed"
            }
            target.does(ScriptedAgent.echo)
            try await target.beat(fleet.api)
            let live = try await delegate(fleet.apis[1], source, target.id, "after")
            _ = try await first(fleet.apis[1], of: source, is: "completed")
            #expect(live.status == 202)
            #expect(!target.deliveries.dropFirst(2).contains { ["cancel me", "expire"].contains($0.text) })
        }
    }

    @Test("What must not be delegated is refused")
    func refusals() async throws {
        try await with { fleet, source, target in
            func refusal(_ body: JSONValue) async throws -> String? {
                let response = try await fleet.apis[1].call(
                    .post, "/workspaces/\(source.id)/delegate", bearer: source.caller.token, body: body)
                return "\(response.status) \(response.json["error"]?.string ?? "")"
            }
            #expect(try await refusal(["target_id": "x", "task": "t"]) == "400 target_id must be a valid UUID")
            #expect(
                try await refusal(["target_id": .string(source.id), "task": "t"]) == "400 self-delegation not permitted"
            )
            #expect(
                try await refusal(["target_id": .string(target.id), "task": ""]) == "400 invalid delegation request")
            #expect(try await refusal(["task": "t"]) == "400 invalid delegation request")
            let child = try await fleet.create(["parent_id": .string(target.id)])
            #expect(
                try await refusal(["target_id": .string(child.id), "task": "t"])
                    == "403 access denied: workspaces cannot communicate per hierarchy rules")
            // An operator who delegates, or records, for an unknown workspace.
            let missing = "/workspaces/\(UUID().uuidString.lowercased())"
            for path in ["/delegate", "/delegations/record"] {
                for body: JSONValue in [["target_id": .string(target.id), "task": "t"], [:]] {
                    let response = try await fleet.apis[1].call(.post, missing + path, body: body)
                    #expect(response.status == 404, "\(path): \(response.text)")
                    #expect(response.json["error"] == "workspace not found")
                }
            }
            #expect(try await fleet.sql("SELECT count(*)::int FROM delegations")[0].int(0) == 0)
            #expect(try await entries(fleet.apis[1], of: source).isEmpty)
            #expect(target.deliveries.isEmpty)
        }
    }
}
