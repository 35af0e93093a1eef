import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

extension OperatorTests {
    @Suite("The audit log", .serialized)
    struct AuditTests {
        private func entries(_ fleet: Fleet, _ query: String = "") async throws -> [JSONValue] {
            try await fleet.api.call(.get, "/admin/audit" + query).json["entries"]?.array ?? []
        }

        @Test("What operators change in any service is there, with who, how and the outcome; data and reading are not")
        func everyService() async throws {
            try await Fleet.with(Fleet.allServices, environment: Fleet.production) { fleet in
                let (id, token) = try await fleet.create(["name": "=alpha"])
                let org = try await fleet.issue("ci")
                let cookie = try await fleet.signIn(org.token)
                let none = UUID().uuidString.lowercased()
                let changes: [(service: Int, method: HTTPMethod, path: String, action: String, status: Int)] = [
                    (0, .post, "/workspaces/\(id)/tokens", "POST /workspaces/{id}/tokens", 201),
                    (1, .post, "/admin/a2a-queue/\(none)/retry", "POST /admin/a2a-queue/{queue_id}/retry", 404),
                    (
                        2, .delete, "/workspaces/\(id)/schedules/\(none)",
                        "DELETE /workspaces/{id}/schedules/{scheduleId}", 404
                    ),
                    (4, .delete, "/admin/dead-letters/7", "DELETE /admin/dead-letters/{message_id}", 404),
                ]
                for (service, method, path, _, status) in changes {
                    let headers: HTTPHeaders = ["Cookie": cookie, "Origin": fleet.origin(service)]
                    let response = try await fleet.apis[service].call(method, path, bearer: nil, headers: headers)
                    #expect(response.status == status, "\(path) \(response.text)")
                }
                // Of these nothing is kept: the agent's own, reading, and what tools send at a high rate.
                _ = try await fleet.api.call(.post, "/workspaces/\(id)/tokens", bearer: token)
                _ = try await fleet.api.call(.get, "/workspaces")
                _ = try await fleet.apis[1].message("hello", to: id)
                _ = try await fleet.notifier.call(.post, "/workspaces/\(id)/notify", body: ["message": "hello"])
                let out: HTTPHeaders = ["Cookie": cookie, "Origin": fleet.origin(3)]
                let signedOut = try await fleet.notifier.call(.delete, "/console/session", bearer: nil, headers: out)
                #expect(signedOut.status == 204)
                let expected =
                    ["POST /workspaces", "POST /org/tokens", "POST /console/session"] + changes.map(\.action)
                    + ["DELETE /console/session"]
                try await eventually("all ends") {
                    let found = try await entries(fleet)
                    return found.count == expected.count && found.allSatisfy { $0["status"] != .null }
                }
                let found = try await entries(fleet).reversed().map { $0 }
                #expect(found.map { $0["action"]?.string } == expected)
                #expect(found.map { $0["status"]?.int } == [201, 201, 200] + changes.map(\.status) + [204])
                #expect(found[0]["actor"] == "admin" && found[0]["via"] == "token" && found[0]["actor_name"] == .null)
                for entry in found[2...] {
                    #expect(entry["actor"] == "org" && entry["actor_name"] == "ci" && entry["via"] == "console")
                    #expect(entry["token_prefix"]?.string == String(org.token.prefix(8)))
                    #expect(entry["client_ip"] == "127.0.0.1" && entry["request_id"]?.string?.isEmpty == false)
                }
                let services = found.map { $0["service"]?.string }
                #expect(services[2...] == ["notifier", "registry", "a2a-proxy", "scheduler", "sweeper", "notifier"])
                #expect(found[3]["target"]?.string == id && found[3]["target_name"] == "=alpha")
                #expect(found[5]["target"]?.string == "\(id)/\(none)")
                try await pages(fleet, found.count)
                try await csv(fleet, found.count)
            }
        }

        @Test("Of what was done to many there is the filter and what was counted")
        func details() async throws {
            try await Fleet.with(Fleet.allServices, environment: Fleet.production) { fleet in
                let id = try await fleet.create(["name": "alpha"]).id
                try await fleet.sql(
                    "INSERT INTO a2a_queue (workspace_id, body) SELECT $1::uuid, '{}' FROM generate_series(1, 2)", [id])
                let filter: JSONValue = ["target": .string(id), "q": "a\"b"]
                _ = try await fleet.apis[1].call(
                    .post, "/admin/queue/cancel", body: ["filter": ["target": .string(id)]])
                _ = try await fleet.apis[1].call(
                    .post, "/admin/queue/retry", body: ["filter": filter, "dry_run": true])
                _ = try await fleet.api.call(
                    .post, "/workspaces/bulk", body: ["ids": [.string(id)], "action": "pause"])
                _ = try await fleet.api.call(
                    .post, "/workspaces/bulk", body: ["filter": ["status": ["paused"]], "action": "resume"])
                _ = try await fleet.apis[4].call(.delete, "/admin/dead-letters?queue=%3Dq")
                try await eventually("all ends") {
                    try await entries(fleet).allSatisfy { $0["status"] != .null }
                }
                let found = try await entries(fleet).reversed().map { $0["detail"] }
                #expect(
                    found == [
                        .null,
                        ["dry_run": false, "filter": ["target": .string(id)], "matched": 2, "changed": 2, "left": 0],
                        ["dry_run": true, "filter": filter, "matched": 0, "changed": 0, "left": 0],
                        [
                            "action": "pause", "dry_run": false, "confirm": false, "ids": [.string(id)], "ids_count": 1,
                            "matched": 1, "changed": 1, "failed": 0, "touched": 1, "left": 0,
                        ],
                        [
                            "action": "resume", "dry_run": false, "confirm": false, "filter": ["status": ["paused"]],
                            "goes_on": false, "matched": 1, "changed": 1, "failed": 0, "touched": 1, "left": 0,
                        ],
                        ["queue": "=q", "discarded": 0],
                    ])
                let csv = try await fleet.api.call(.get, "/admin/audit?format=csv").text
                #expect(csv.contains(#","{""queue"":""=q"",""discarded"":0}""#))
            }
        }

        private func pages(_ fleet: Fleet, _ count: Int) async throws {
            var (cursor, seen) = ("", [Int]())
            repeat {
                let page = try await fleet.api.call(.get, "/admin/audit?limit=3&cursor=\(cursor)").json
                seen += (page["entries"]?.array ?? []).compactMap { $0["id"]?.int }
                cursor = page["next_cursor"]?.string ?? ""
            } while !cursor.isEmpty
            #expect(seen.count == count && seen == Set(seen).sorted(by: >))
            for query in [
                "limit=0", "limit=501", "limit=x", "cursor=x", "format=xml", "result=x", "since=x", "until=1",
            ] {
                let response = try await fleet.api.call(.get, "/admin/audit?\(query)")
                #expect(response.status == 400 && response.json["field"]?.string == String(query.prefix { $0 != "=" }))
            }
            #expect(try await entries(fleet, "?result=refused&actor=ci").count == 3)
        }

        private func csv(_ fleet: Fleet, _ count: Int) async throws {
            let response = try await fleet.api.call(.get, "/admin/audit?format=csv&limit=1")
            #expect(response.headers["content-type"]?.hasPrefix("text/csv") == true)
            #expect(response.headers["content-disposition"]?.hasPrefix("attachment") == true)
            #expect(response.text.components(separatedBy: "\r\n").count == count + 2)
            #expect(response.text.contains(#","'=alpha","#) && !response.text.contains(#""=alpha"#))
        }

        @Test("An entry whose service was killed before it responded has an unknown result")
        func killed() async throws {
            try await Fleet.with(Fleet.allServices, environment: Fleet.production) { fleet in
                let service = try await fleet.launch("registry")
                let api = API(baseURL: service.baseURL)
                defer { api.close() }
                let asked = try await fleet.postgres.transaction { transaction in
                    _ = try await transaction.query(Statement("", "LOCK TABLE org_api_tokens IN ACCESS EXCLUSIVE MODE"))
                    let asked = Task { try await api.call(.post, "/org/tokens", body: ["name": "lost"]).status }
                    try await eventually("the entry") {
                        try await fleet.sql("SELECT FROM audit_log WHERE action = 'POST /org/tokens'").count == 1
                    }
                    await service.kill9()
                    return asked
                }
                await #expect(throws: (any Error).self) { try await asked.value }
                let found = try await entries(fleet, "?result=unknown")
                #expect(found.map { $0["action"]?.string } == ["POST /org/tokens"])
                #expect(found.first?["status"] == .null && found.first?["result"] == "unknown")
                // It cannot be known: what had reached the database was done there after all, or was not.
                #expect(found.first?["actor"] == "admin" && found.first?["service"] == "registry")
            }
        }

        @Test("While it cannot be written operators change nothing, in any service, and still read")
        func failsClosed() async throws {
            try await Fleet.with(Fleet.allServices, environment: Fleet.production) { fleet in
                let id = try await fleet.create().id
                try await fleet.sql("ALTER TABLE audit_log RENAME TO hidden")
                let paths = [
                    "/workspaces/\(id)/tokens", "/admin/a2a-queue/drop-stale", "/workspaces/\(id)/schedules",
                    "/console/session", "/admin/sweeps/guard/release",
                ]
                for (index, path) in paths.enumerated() {
                    let body: JSONValue = ["scope": "ours", "token": .string(Platform.adminToken)]
                    let response = try await fleet.apis[index].call(.post, path, body: body)
                    #expect(response.status == 503 && response.json["code"] == "platform_unavailable", "\(path)")
                }
                #expect(try await fleet.api.call(.get, "/workspaces/\(id)/tokens").json["count"] == 1)
                #expect(try await fleet.sql("SELECT FROM console_sessions").isEmpty)
            }
        }
    }
}
