import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

extension RegistryProcessTests {
    /// The fleet over HTTP, as the console and scripts use it: in numbers, as a list, and changed by many.
    @Suite("The fleet", .serialized)
    struct FleetListTests {
        private func names(_ response: API.ReceivedResponse) -> [String] {
            (response.json["workspaces"]?.array ?? []).compactMap { $0["name"]?.string }
        }

        private func results(_ response: API.ReceivedResponse) -> [String: String] {
            let pairs = (response.json["workspaces"]?.array ?? []).map {
                ($0["id"]?.string ?? "", $0["result"]?.string ?? "")
            }
            return Dictionary(pairs) { $1 }
        }

        private func bulk(_ fleet: Fleet, _ body: JSONValue) async throws -> API.ReceivedResponse {
            try await fleet.api.call(.post, "/workspaces/bulk", body: body)
        }

        @Test("Numbers and pages agree, and a workspace is shown with its place")
        func list() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let root = try await fleet.create(["name": "a%b"]).id
                let child = try await fleet.create(["name": "c", "parent_id": .string(root), "role": "x_y"]).id
                try await fleet.sql("UPDATE workspaces SET status = 'online' WHERE id = $1::uuid", [root])
                try await fleet.sql(
                    "UPDATE workspace_vitals SET active_tasks = 3 WHERE workspace_id = $1::uuid", [root])
                try await fleet.sql(
                    """
                    INSERT INTO a2a_queue (workspace_id, body, attempts, enqueued_at)
                    SELECT $1::uuid, '{}', n, now() - n * interval '1 minute' FROM generate_series(0, 2) AS n
                    """, [root])
                let numbers = try await fleet.api.call(.get, "/admin/fleet").json
                #expect(numbers["total"] == 2)
                #expect(numbers["by_status"]?["online"] == 1)
                #expect(numbers["by_status"]?["awaiting_agent"] == 1)
                #expect(numbers["by_status"]?["removed"] == 0)
                #expect(numbers["queue"]?["waiting"] == 1)
                #expect(numbers["queue"]?["retrying"] == 2)
                #expect(numbers["queue"]?["running"] == 0)
                #expect(numbers["queue"]?["oldest_waiting_seconds"]?.int ?? 0 >= 120)
                #expect(numbers["calls_in_flight"] == 3)

                let all = try await fleet.api.call(.get, "/admin/workspaces")
                #expect(names(all) == ["a%b", "c"])
                #expect(all.json["total"] == 2)
                #expect(all.json["next_cursor"] == .null)
                let shown = try #require(all.json["workspaces"]?[1])
                #expect(shown["id"]?.string == child)
                #expect(shown["depth"] == 1)
                #expect(shown["path"] == [.string(root)])
                #expect(shown["agent_card"] == nil)
                #expect(shown["monthly_spend"] == 0)
                #expect(all.json["workspaces"]?[0]?["child_count"] == 1)
                #expect(all.json["workspaces"]?[0]?["queue_depth"] == 3)
                let first = try await fleet.api.call(.get, "/admin/workspaces?limit=1&sort=queue_depth&order=desc")
                #expect(names(first) == ["a%b"])
                let cursor = try #require(first.json["next_cursor"]?.string)
                let second = try await fleet.api.call(
                    .get, "/admin/workspaces?limit=1&sort=queue_depth&order=desc&cursor=\(cursor)")
                #expect(names(second) == ["c"])
                #expect(second.json["next_cursor"] == .null)
                #expect(names(try await fleet.api.call(.get, "/admin/workspaces?q=A%25")) == ["a%b"])
                #expect(names(try await fleet.api.call(.get, "/admin/workspaces?q=x_Y&status=awaiting_agent")) == ["c"])
                for (query, field) in [
                    ("status=gone", "status"), ("sort=color", "sort"), ("order=up", "order"), ("limit=0", "limit"),
                    ("parent_id=x", "parent_id"), ("cursor=\(cursor)", "cursor"),
                ] {
                    let response = try await fleet.api.call(.get, "/admin/workspaces?\(query)")
                    #expect(response.status == 400, "\(query)")
                    #expect(response.json["field"]?.string == field)
                }
            }
        }

        @Test("Many are paused, resumed and deleted, each with a result; a dry run changes nothing")
        func bulk() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let root = try await fleet.create(["name": "root"]).id
                let child = try await fleet.create(["name": "child", "parent_id": .string(root)]).id
                let other = try await fleet.create(["name": "other_1"]).id
                let unknown = UUID().uuidString.lowercased()
                let ids: JSONValue = [.string(root), .string(other), .string(unknown)]
                let dry = try await bulk(fleet, ["ids": ids, "action": "pause", "dry_run": true])
                #expect(dry.json["matched"] == 2)
                #expect(dry.json["changed"] == 0)
                // The child goes with its parent, though the body did not name it.
                #expect(dry.json["touched"] == 3)
                #expect(
                    results(dry) == [
                        root: "would change", child: "would change", other: "would change", unknown: "failed",
                    ])
                let below = (dry.json["workspaces"]?.array ?? []).filter { $0["is_below"] == true }
                #expect(below.map { $0["id"]?.string } == [child])
                #expect(try await fleet.api.status(of: root) == "awaiting_agent")

                let paused = try await bulk(fleet, ["ids": ids, "action": "pause"])
                #expect(paused.json["changed"] == 2 && paused.json["touched"] == 3)
                #expect(results(paused) == [root: "ok", other: "ok", unknown: "failed"])
                #expect(try await fleet.api.status(of: child) == "paused")
                #expect(try await fleet.events(of: child).contains("workspace.paused"))
                let again = try await bulk(fleet, ["ids": [.string(root)], "action": "pause"])
                #expect(results(again) == [root: "skipped"])
                #expect(again.json["workspaces"]?[0]?["status"] == "paused")

                let single: JSONValue = ["ids": [.string(root)], "action": "resume", "dry_run": true]
                #expect(try await bulk(fleet, single).json["touched"] == 2)
                // The child is resumed with its parent, and found so when it is processed.
                let resumed = try await bulk(fleet, ["filter": ["status": ["paused"]], "action": "resume"])
                #expect(resumed.json["matched"] == 3)
                #expect(resumed.json["left"] == 0)
                #expect(results(resumed) == [root: "ok", child: "skipped", other: "ok"])
                #expect(resumed.json["touched"] == 3)

                let confirmed: JSONValue = [
                    "ids": [.string(root)], "action": "delete", "confirm": true, "dry_run": true,
                ]
                #expect(try await bulk(fleet, confirmed).json["touched"] == 2)
                let alone = try await bulk(fleet, ["ids": [.string(root)], "action": "delete"])
                #expect(results(alone) == [root: "failed"])
                #expect(alone.json["workspaces"]?[0]?["error"]?.string?.hasPrefix("confirmation required") == true)
                #expect(try await fleet.api.status(of: root) != "removed")
                let literal = try await bulk(fleet, ["filter": ["q": "other%"], "action": "delete"])
                #expect(literal.json["matched"] == 0)
                let both = try await bulk(fleet, ["ids": [.string(root), .string(child)], "action": "delete"])
                #expect(results(both) == [root: "ok", child: "ok"])
                #expect(try await fleet.api.status(of: child) == "removed")
                #expect(try await fleet.api.status(of: other) != "removed")

                // What is refused stays in the filter: the cursor goes past it.
                try await fleet.sql(
                    """
                    INSERT INTO workspaces (id, name, status) SELECT gen_random_uuid(), 'many', 'offline'
                    FROM generate_series(1, 1001)
                    """)
                var body: JSONValue = ["filter": ["q": "many"], "action": "restart", "dry_run": true, "cursor": .null]
                let first = try await bulk(fleet, body)
                #expect(first.json["matched"] == 1001 && first.json["left"] == 1)
                body = [
                    "filter": ["q": "many"], "action": "restart", "dry_run": true,
                    "cursor": try #require(first.json["next_cursor"]),
                ]
                let last = try await bulk(fleet, body)
                #expect(last.json["matched"] == 1 && last.json["left"] == 0 && last.json["next_cursor"] == .null)
                #expect(results(last).count == 1 && results(first)[results(last).keys.first ?? ""] == nil)
            }
        }

        @Test("What would mean everything, or is not understood, is refused and changes nothing")
        func refusals() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let id = try await fleet.create().id
                let many = JSONValue.array((0...1000).map { _ in .string(UUID().uuidString.lowercased()) })
                let bodies: [(body: JSONValue, field: String)] = [
                    (["action": "pause"], "ids"), (["ids": [], "action": "pause"], "ids"),
                    (["filter": [:], "action": "pause"], "filter"),
                    (["filter": ["state": ["online"]], "action": "pause"], "filter.state"),
                    (["ids": [.string(id)], "action": "stop"], "action"), (["ids": [.string(id)]], "action"),
                    (["ids": [.string(id)], "filter": ["q": "x"], "action": "pause"], "filter"),
                    (["ids": [.string(id)], "action": "pause", "dryrun": true], "dryrun"),
                    (["ids": many, "action": "pause"], "ids"),
                    (["filter": ["q": "x"], "action": "pause", "cursor": "x"], "cursor"),
                    (["ids": [.string(id)], "action": "pause", "cursor": "x"], "cursor"),
                ]
                for (body, field) in bodies {
                    let response = try await bulk(fleet, body)
                    #expect(response.status == 400, "\(field)")
                    #expect(response.json["field"]?.string == field)
                }
                #expect(try await fleet.api.status(of: id) == "awaiting_agent")
            }
        }
    }
}
