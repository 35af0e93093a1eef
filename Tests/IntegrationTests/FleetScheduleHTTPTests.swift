import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

/// The schedules of the fleet over HTTP, and what an expression means.
@Suite("The schedules of the fleet over HTTP", .serialized)
struct FleetScheduleHTTPTests {
    @Test("An expression is explained to any token, with its next slots; an error in it names the field")
    func preview() async throws {
        try await Fleet.with(["registry", "scheduler"]) { fleet in
            let (workspace, scheduler) = (try await fleet.create(), fleet.apis[1])
            let path = "/schedules/preview?cron_expr=30%209%20*%20*%201-5&timezone=Europe/Berlin"
            for bearer in [workspace.token, Platform.adminToken] {
                let response = try await scheduler.call(.get, path, bearer: bearer)
                #expect(response.json["sentence"] == "At 09:30 on weekdays, in Europe/Berlin.")
                #expect(response.json["next"]?.array?.count == 5)
            }
            #expect(try await scheduler.call(.get, path, bearer: "wrong").status == 401)
            #expect(try await scheduler.call(.get, path, bearer: nil).status == 401)
            for (query, field) in [
                ("", "cron_expr"), ("?cron_expr=99%20*%20*%20*%20*", "cron_expr"),
                ("?cron_expr=@daily&timezone=Mars/Base", "timezone"),
            ] {
                let response = try await scheduler.call(.get, "/schedules/preview\(query)")
                #expect(response.status == 400, "\(query)")
                #expect(response.json["field"]?.string == field)
                #expect(response.json["reason"]?.string?.isEmpty == false)
            }
        }
    }

    @Test("Operators see the schedules of the fleet, the late ones first")
    func fleetList() async throws {
        try await Fleet.with(["registry", "scheduler"]) { fleet in
            let (workspace, scheduler) = (try await fleet.create(), fleet.apis[1])
            for name in ["a", "b"] {
                let body: JSONValue = ["name": .string(name), "cron_expr": "0 9 1 1 *", "prompt": "x"]
                let made = try await scheduler.call(.post, "/workspaces/\(workspace.id)/schedules", body: body)
                #expect(made.status == 201)
            }
            try await fleet.sql("UPDATE workspace_schedules SET last_status = 'error' WHERE name = 'b'")
            let all = try await scheduler.call(.get, "/admin/schedules?workspace_id=\(workspace.id)")
            #expect(all.json["total"] == 2)
            let shown = all.json["schedules"]?.array ?? []
            #expect(shown.compactMap { $0["condition"]?.string } == ["failing", "ok"])
            #expect(shown.first?["name"] == "b")
            #expect(shown.first?["sentence"]?.string?.isEmpty == false)
            #expect(shown.first?["runs"] == [])
            let ok = try await scheduler.call(.get, "/admin/schedules?condition=ok")
            #expect(ok.json["total"] == 1)
            #expect(try await scheduler.call(.get, "/admin/schedules?condition=fine").json["field"] == "condition")
        }
    }
}
