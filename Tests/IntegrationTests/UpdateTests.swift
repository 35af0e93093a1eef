import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

extension RegistryProcessTests {
    @Suite("PATCH /workspaces/{id}", .serialized)
    struct UpdateTests {
        private static let unknown = "99999999-9999-4999-8999-999999999999"

        private func patch(_ api: API, _ id: String, _ body: JSONValue) async throws -> API.ReceivedResponse {
            try await api.call(.patch, "/workspaces/\(id)", body: body)
        }

        @Test("Every field changes, is published once, and shows; an equal value changes nothing")
        func fields() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let id = try await fleet.create().id
                let parent = try await fleet.create().id
                let body: JSONValue = [
                    "name": "new name", "role": "writer", "tier": 2, "parent_id": .string(parent), "runtime": "claude",
                    "x": 1.5, "y": -2, "collapsed": true, "max_concurrent_tasks": 4, "unknown": [1],
                ]
                let response = try await patch(fleet.api, id, body)
                #expect(response.status == 200)
                #expect(response.text == #"{"status":"updated"}"#)
                let seen = try await fleet.api.call(.get, "/workspaces/\(id)").json
                for (name, value) in body.object ?? [:] where name != "unknown" {
                    #expect(seen[name] == value, "\(name)")
                }
                let published = ["workspace.awaiting_agent", "workspace.updated", "workspace.moved"]
                #expect(try await fleet.events(of: id) == published)
                #expect(try await patch(fleet.api, id, body).status == 200)
                #expect(try await fleet.events(of: id) == published)

                #expect(try await patch(fleet.api, id, ["parent_id": .null, "role": .null]).status == 200)
                let root = try await fleet.api.call(.get, "/workspaces/\(id)").json
                #expect(root["parent_id"]?.isNull == true && root["role"]?.isNull == true && root["tier"]?.int == 2)
            }
        }

        @Test("A workspace changes how it shows and how much it takes on, not where it stands or what it may do")
        func own() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let (id, token) = try await fleet.create(["workspace_dir": "/srv/work"])
                let other = try await fleet.create().id
                let before = try await fleet.api.call(.get, "/workspaces/\(id)").json
                let wrong: [(String, JSONValue)] = [
                    ("parent_id", .string(other)), ("parent_id", .null), ("tier", 1), ("runtime", "claude-code"),
                    ("workspace_dir", "/srv/other"), ("workspace_dir", .null),
                ]
                for (field, value) in wrong {
                    let refused = try await fleet.api.call(
                        .patch, "/workspaces/\(id)", bearer: token, body: ["name": "changed", field: value])
                    #expect(refused.status == 403, "\(field)")
                    #expect(refused.text == #"{"error":"operator credentials required","field":"\#(field)"}"#)
                }
                #expect(try await fleet.api.call(.get, "/workspaces/\(id)").json == before)
                let allowed: JSONValue = [
                    "name": "changed", "role": "r", "x": 1, "y": 2, "collapsed": true, "max_concurrent_tasks": 3,
                ]
                let changed = try await fleet.api.call(.patch, "/workspaces/\(id)", bearer: token, body: allowed)
                #expect(changed.text == #"{"status":"updated"}"#)
            }
        }

        @Test("A new folder needs a restart, the same one does not")
        func directory() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let id = try await fleet.create().id
                for (folder, text) in [
                    ("/srv/work", #"{"status":"updated","needs_restart":true}"#),
                    ("/srv/work", #"{"status":"updated"}"#),
                    ("", #"{"status":"updated","needs_restart":true}"#),
                ] {
                    #expect(try await patch(fleet.api, id, ["workspace_dir": .string(folder)]).text == text)
                }
                let refused = try await patch(fleet.api, id, ["workspace_dir": "/etc/x"])
                #expect(refused.status == 400)
                #expect(refused.json["error"]?.string == "invalid workspace directory")
            }
        }

        @Test("What cannot be is refused with its field and reason, and changes nothing")
        func refusals() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let (id, token) = try await fleet.create()
                let stranger = try await fleet.create().token
                let before = try await fleet.api.call(.get, "/workspaces/\(id)").json
                let wrong: [(String, JSONValue)] = [
                    ("name", 7), ("name", .null), ("name", ""), ("name", "a\nb"), ("name", "a{b"), ("role", 1),
                    ("role", "x|y"), ("tier", "3"), ("tier", .null), ("tier", -1), ("runtime", .null), ("runtime", ""),
                    ("parent_id", 1), ("parent_id", "nonsense"), ("parent_id", .string(Self.unknown)),
                    ("parent_id", .string(id)), ("workspace_dir", 1), ("workspace_dir", "relative"),
                    ("workspace_dir", "/a/../etc"), ("x", "1"), ("y", .null), ("collapsed", 1),
                    ("max_concurrent_tasks", 0), ("max_concurrent_tasks", 1.5), ("max_concurrent_tasks", .null),
                ]
                for (field, value) in wrong {
                    var body: [String: JSONValue] = ["tier": 1]
                    body[field] = value
                    let response = try await patch(fleet.api, id, .object(body))
                    #expect(response.status == 400, "\(field) \(value)")
                    #expect(response.json["field"]?.string == field, "\(field) \(value): \(response.text)")
                    #expect(response.json["reason"]?.string?.isEmpty == false)
                }
                let after = try await fleet.api.call(.get, "/workspaces/\(id)").json
                #expect(after == before)

                let path = "/workspaces/\(id)"
                #expect(try await fleet.api.call(.patch, path, bearer: stranger, body: [:]).status == 401)
                #expect(try await fleet.api.call(.patch, path, bearer: nil, body: [:]).status == 401)
                #expect(try await fleet.api.call(.patch, "/workspaces/x", bearer: token, body: [:]).status == 401)
                #expect(try await patch(fleet.api, "x", [:]).status == 400)
                #expect(try await patch(fleet.api, Self.unknown, ["name": 7]).status == 404)
                try await fleet.remove(id)
                #expect(try await patch(fleet.api, id, ["name": "back"]).status == 404)
            }
        }

        @Test("Who starts a workspace does not change with its runtime")
        func external() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let managed = try await fleet.create(["external": false, "runtime": "langgraph"]).id
                let external = try await fleet.create(["runtime": "external"]).id
                for (id, old, new) in [(managed, "langgraph", "external"), (external, "external", "langgraph")] {
                    let refused = try await patch(fleet.api, id, ["runtime": .string(new), "tier": 1])
                    #expect(refused.status == 400 && refused.json["field"]?.string == "runtime", "\(refused.text)")
                    let seen = try await fleet.api.call(.get, "/workspaces/\(id)").json
                    #expect(seen["runtime"]?.string == old && seen["tier"]?.int == 3)
                }
            }
        }

        @Test("A circle is refused however long it is")
        func longCircle() async throws {
            try await Fleet.with(["registry"]) { fleet in
                var chain = [try await fleet.create().id]
                for _ in 0..<40 { chain.append(try await fleet.create(["parent_id": .string(chain.last ?? "")]).id) }
                let response = try await patch(fleet.api, chain[0], ["parent_id": .string(chain[40])])
                #expect(response.status == 400)
                #expect(response.json["field"]?.string == "parent_id")
            }
        }

        @Test("Two instances that would close a circle together: one of the moves is refused, every time")
        func circlesAtOnce() async throws {
            try await Fleet.with(["registry", "registry"]) { fleet in
                for round in 0..<25 {
                    let (a, b) = (try await fleet.create().id, try await fleet.create().id)
                    async let first = patch(fleet.apis[0], a, ["parent_id": .string(b)])
                    async let second = patch(fleet.apis[1], b, ["parent_id": .string(a)])
                    let statuses = try await [first.status, second.status].sorted()
                    #expect(statuses == [200, 400], "round \(round)")
                }
                let circles = try await fleet.sql(
                    """
                    WITH RECURSIVE up (start, id, parent_id, depth) AS (
                        SELECT id, id, parent_id, 0 FROM workspaces
                        UNION ALL SELECT up.start, w.id, w.parent_id, depth + 1
                        FROM up JOIN workspaces w ON w.id = up.parent_id WHERE depth < 100)
                    SELECT count(*) FROM up WHERE depth = 100
                    """)
                #expect(circles[0].int(0) == 0)
            }
        }

        @Test("A move and a new ceiling reach the proxy's caches at once")
        func proxy() async throws {
            let agent = try await RespondingAgent.start()
            try await Fleet.with(["registry", "a2a-proxy"]) { fleet in
                // More than once: a proxy that has just connected empties its caches without a notification, and a busy
                // machine may be slow once.
                var (budgets, moves): ([Duration], [Duration]) = ([], [])
                for _ in 0..<3 {
                    budgets.append(try await ContinuousClock().measure { try await budget(fleet, agent.url) })
                    moves.append(try await ContinuousClock().measure { try await move(fleet, agent.url) })
                }
                // All that the proxy cached, it read after the round had begun, and would have cached for 5 s.
                for rounds in [budgets, moves] {
                    #expect(rounds.contains { $0 < .seconds(5) }, "\(rounds)")
                }
            }
            await agent.stop()
        }

        /// Without the event the proxy would assume for 5 s that there is no ceiling.
        private func budget(_ fleet: Fleet, _ url: String) async throws {
            let (caller, target) = (try await fleet.create(), try await fleet.create(["url": .string(url)]).id)
            let path = "/workspaces/\(target)/budget"
            func send() async throws -> Int { try await fleet.apis[1].message("x", to: target, from: caller).status }
            #expect(try await send() == 200)
            #expect(try await fleet.api.call(.patch, path, body: ["budget_limit": 0]).status == 200)
            try await eventually("the ceiling to be known") { try await send() == 402 }
            #expect(try await fleet.api.call(.patch, path, body: ["budget_limit": .null]).status == 200)
            try await eventually("the ceiling to be gone") { try await send() == 200 }
        }

        /// The target itself does not change when its parent moves away from below the caller.
        private func move(_ fleet: Fleet, _ url: String) async throws {
            let caller = try await fleet.create()
            let parent = try await fleet.create(["parent_id": .string(caller.id)]).id
            let below = try await fleet.create(["parent_id": .string(parent), "url": .string(url)]).id
            func send() async throws -> Int { try await fleet.apis[1].message("x", to: below, from: caller).status }
            #expect(try await send() == 200)
            #expect(try await patch(fleet.api, parent, ["parent_id": .null]).status == 200)
            try await eventually("the move to be known") { try await send() == 403 }
        }
    }
}
