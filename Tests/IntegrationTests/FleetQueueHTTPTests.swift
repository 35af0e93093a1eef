import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport
import UVHTTPServer

/// The queue of the whole fleet over HTTP, as the console and scripts use it.
@Suite("The queue of the fleet", .serialized)
struct FleetQueueHTTPTests {
    private func ids(_ response: API.ReceivedResponse) -> [String] {
        (response.json["items"]?.array ?? []).compactMap { $0["queue_id"]?.string }
    }

    @Test("Messages are filtered by state, shown with their history and body, and cancelled and retried by filter")
    func byFilter() async throws {
        try await Fleet.with(["a2a-proxy", "registry"], environment: ["A2A_FAILURE_RETRY_SECONDS": "1"]) { fleet in
            try await fleet.withAgents(2, registry: fleet.apis[1]) { agents in
                let (agent, other) = (agents[0], agents[1])
                try await agent.beat(fleet.apis[1])
                agent.does(ScriptedAgent.busy)
                var items: [String] = []
                for number in 0..<4 {
                    let queued = try await fleet.api.message(
                        "\(number)", to: agent.id, from: number == 2 ? other.caller : nil)
                    items.append(try #require(queued.json["queue_id"]?.string))
                }
                let list = "/admin/queue?target=\(agent.id)"
                let all = try await fleet.api.call(.get, list)
                #expect(ids(all) == items.reversed())
                #expect(all.json["total"] == 4)
                #expect(all.json["total_is_exact"] == true)
                #expect(all.json["next_cursor"] == .null)
                #expect(all.json["items"]?[0]?["state"] == "waiting")
                let first = try await fleet.api.call(.get, list + "&limit=3")
                let cursor = try #require(first.json["next_cursor"]?.string)
                #expect(ids(try await fleet.api.call(.get, list + "&limit=3&cursor=\(cursor)")) == [items[0]])
                #expect(ids(try await fleet.api.call(.get, list + "&caller=\(other.id)")) == [items[2]])
                #expect(ids(try await fleet.api.call(.get, list + "&caller=console")).count == 3)
                #expect(ids(try await fleet.api.call(.get, "/admin/queue?state=failed,dropped")).isEmpty)
                try await fleet.sql("UPDATE workspaces SET name = 'a%b_c' WHERE id = $1::uuid", [agent.id])
                #expect(ids(try await fleet.api.call(.get, "/admin/queue?q=A%25b")).count == 4)
                #expect(ids(try await fleet.api.call(.get, "/admin/queue?q=%25")).count == 4)
                #expect(ids(try await fleet.api.call(.get, "/admin/queue?q=a_b")).isEmpty)

                let one = try await fleet.api.call(.get, "/admin/queue/\(items[0])")
                #expect(one.json["target_name"] == "a%b_c")
                #expect(one.json["attempts_log"]?[0]?["kind"] == "enqueued")
                let body = try await fleet.api.call(.get, "/admin/queue/\(items[0])/body")
                #expect(body.json["request"]?["params"]?["message"]?["parts"]?[0]?["text"] == "0")
                #expect(body.json["response"] == .null)
                #expect(body.json["is_private"] == false)

                try await viewers(fleet, items[0])
                try await refusals(fleet, items[0])
                let byCaller: JSONValue = ["caller": .string(other.id)]
                let dry = try await fleet.api.call(
                    .post, "/admin/queue/cancel", body: ["filter": byCaller, "dry_run": true])
                #expect(dry.json == ["matched": 1, "changed": 0, "left": 0])
                #expect(try await fleet.api.call(.get, "/queue/\(items[2])").json["status"] == "queued")
                let cancelled = try await fleet.api.call(.post, "/admin/queue/cancel", body: ["filter": byCaller])
                #expect(cancelled.json == ["matched": 1, "changed": 1, "left": 0])
                let expired = try await fleet.api.call(
                    .post, "/admin/queue/expire", body: ["filter": ["ids": [.string(items[3])]]])
                #expect(expired.json == ["matched": 1, "changed": 1, "left": 0])
                #expect(
                    ids(try await fleet.api.call(.get, list + "&state=dropped")) == [items[3], items[2]])
                #expect(try await fleet.events(of: agent.id).count { $0 == "a2a.dropped" } == 2)

                // What fails five times has failed, and is delivered after a retry of all that did.
                agent.does { _ in .error(.internalServerError, "boom") }
                try await eventually(within: .seconds(90), "the others to fail") {
                    try await agent.beat(fleet.apis[1])
                    return ids(try await fleet.api.call(.get, list + "&state=failed")).count == 2
                }
                let failed = try await fleet.api.call(.get, "/admin/queue/\(items[0])")
                let log = failed.json["attempts_log"]?.array ?? []
                #expect(log.count { $0["kind"] == "failed" } == 5)
                #expect(log.last?["error"] == "boom")
                #expect(log.last?["status"] == 500)
                agent.does(ScriptedAgent.echo)
                let wanted: JSONValue = ["state": ["failed"], "target": .string(agent.id), "min_attempts": 5]
                let retried = try await fleet.api.call(.post, "/admin/queue/retry", body: ["filter": wanted])
                #expect(retried.json == ["matched": 2, "changed": 2, "left": 0])
                try await eventually("both to be delivered") {
                    try await agent.beat(fleet.apis[1])
                    return ids(try await fleet.api.call(.get, list + "&state=delivered")).count == 2
                }
                let kinds = try await fleet.api.call(.get, "/admin/queue/\(items[0])").json["attempts_log"]?.array
                #expect(kinds?.compactMap { $0["kind"]?.string }.suffix(3) == ["retried", "claimed", "delivered"])
            }
        }
    }

    /// Who only reads is shown no body that is marked private.
    private func viewers(_ fleet: Fleet, _ item: String) async throws {
        let issued = try await fleet.apis[1].call(.post, "/org/tokens", body: ["name": "watcher", "role": "viewer"])
        let token = try #require(issued.json["auth_token"]?.string)
        let path = "/admin/queue/\(item)/body"
        #expect(try await fleet.api.call(.get, path, bearer: token).json["is_private"] == false)
        let before = try await fleet.sql("SELECT body::text FROM a2a_queue WHERE id = $1::uuid", [item]).only {
            $0.string(0)
        }
        try await fleet.sql(
            "UPDATE a2a_queue SET body = jsonb_set(body::jsonb, '{params,metadata}', '{\"private\":true}')::json WHERE id = $1::uuid",
            [item])
        let refused = try await fleet.api.call(.get, path, bearer: token)
        #expect(refused.status == 403 && refused.json == ["error": "read-only token"])
        #expect(try await fleet.api.call(.get, path).json["is_private"] == true)
        try await fleet.sql("UPDATE a2a_queue SET body = $2::json WHERE id = $1::uuid", [item, before])
    }

    private func refusals(_ fleet: Fleet, _ item: String) async throws {
        for (path, field) in [
            ("?state=lost", "state"), ("?target=x", "target"), ("?caller=x", "caller"), ("?older_than=x", "older_than"),
            ("?min_attempts=-1", "min_attempts"), ("?limit=501", "limit"), ("?cursor=x", "cursor"),
        ] {
            let response = try await fleet.api.call(.get, "/admin/queue\(path)")
            #expect(response.status == 400, "\(path)")
            #expect(response.json["field"]?.string == field)
        }
        let bodies: [(body: JSONValue, field: String)] = [
            (["filter": [:]], "filter"), ([:], "filter"), (["filter": ["ids": []]], "ids"),
            (["filter": ["stat": ["failed"]]], "filter.stat"),
            (["filter": ["ids": [.string(item)]], "dryrun": true], "dryrun"),
        ]
        for verb in ["retry", "cancel", "expire"] {
            for (body, field) in bodies {
                let response = try await fleet.api.call(.post, "/admin/queue/\(verb)", body: body)
                #expect(response.status == 400, "\(verb) \(body)")
                #expect(response.json["field"]?.string == field)
            }
        }
        #expect(try await fleet.api.call(.get, "/admin/queue/x").status == 400)
        #expect(try await fleet.api.call(.get, "/admin/queue/\(UUID().uuidString.lowercased())").status == 404)
        #expect(try await fleet.api.call(.get, "/admin/queue/\(UUID().uuidString.lowercased())/body").status == 404)
    }

    @Test("A request changes ten thousand at most and says what is left")
    func bound() async throws {
        try await Fleet.with(["a2a-proxy"]) { fleet in
            let target = UUID().uuidString.lowercased()
            try await fleet.sql(
                "INSERT INTO a2a_queue (workspace_id, body) SELECT $1::uuid, '{}' FROM generate_series(1, 10700)",
                [target])
            let body: JSONValue = ["filter": ["target": .string(target)]]
            let dry = try await fleet.api.call(
                .post, "/admin/queue/cancel", body: ["filter": ["target": .string(target)], "dry_run": true])
            #expect(dry.json == ["matched": 10_700, "changed": 0, "left": 700])
            // Two operators at once: nothing is changed twice, and neither waits for the other.
            async let first = fleet.api.call(.post, "/admin/queue/cancel", body: body, within: .seconds(60))
            async let second = fleet.api.call(.post, "/admin/queue/cancel", body: body, within: .seconds(60))
            let changed = try await [first, second].compactMap { $0.json["changed"]?.int }
            #expect(changed.count == 2)
            #expect(changed.allSatisfy { $0 <= 10_000 })
            let rest = try await fleet.api.call(.post, "/admin/queue/cancel", body: body)
            #expect(changed.reduce(0, +) + (rest.json["changed"]?.int ?? 0) == 10_700)
            #expect(rest.json["left"] == 0)
            let events = try await fleet.sql("SELECT count(*) FROM structure_events WHERE type = 'a2a.dropped'")
            #expect(events[0].int(0) == 10_700)

            // What fails in a later piece hides nothing that was done before.
            let other = UUID().uuidString.lowercased()
            try await fleet.sql(
                """
                INSERT INTO a2a_queue (workspace_id, body, enqueued_at, method)
                SELECT $1::uuid, '{}', now() + n * interval '1 ms', CASE n WHEN 650 THEN 'poison' ELSE 'x' END
                FROM generate_series(1, 700) AS n
                """, [other])
            try await fleet.sql(
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$
                """)
            try await fleet.sql(
                """
                CREATE TRIGGER refuse BEFORE UPDATE ON a2a_queue FOR EACH ROW WHEN (NEW.method = 'poison')
                EXECUTE FUNCTION refuse()
                """)
            let partly = try await fleet.api.call(
                .post, "/admin/queue/cancel", body: ["filter": ["target": .string(other)]])
            #expect(partly.status == 200 && partly.json["matched"] == 700)
            #expect(partly.json["changed"] == 500 && partly.json["left"] == 200)
            #expect(partly.json["stopped"] == "internal error")
            let again = try await fleet.api.call(
                .post, "/admin/queue/cancel", body: ["filter": ["target": .string(other)]])
            #expect(again.status == 500 && again.json["error"] == "internal error")
        }
    }
}
