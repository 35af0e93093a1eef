import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

extension RegistryProcessTests {
    @Suite("Reports to the feed", .serialized)
    struct ActivityReportTests {
        @Test("An operator who reports for an unknown workspace gets a 404, and nothing is stored")
        func unknown() async throws {
            try await Fleet.with(["registry", "notifier"]) { fleet in
                let (known, token) = try await fleet.create()
                let removed = try await fleet.create().id
                try await fleet.remove(removed)
                let (notifier, body) = (fleet.apis[1], JSONValue.object(["activity_type": "agent_log"]))
                for id in [removed, UUID().uuidString.lowercased()] {
                    let refused = try await notifier.call(.post, "/workspaces/\(id)/activity", body: body)
                    #expect(refused.status == 404)
                    #expect(refused.json["error"]?.string == "workspace not found")
                    let bad = try await notifier.call(.post, "/workspaces/\(id)/activity", body: ["activity_type": "x"])
                    #expect(bad.status == 404, "whatever is reported")
                    #expect(try await notifier.call(.get, "/workspaces/\(id)/activity").text == "[]")
                }
                for bearer in [Platform.adminToken, token] {
                    let path = "/workspaces/\(known)/activity"
                    #expect(try await notifier.call(.post, path, bearer: bearer, body: body).status == 200)
                }
                #expect(try await fleet.sql("SELECT count(*) FROM activity_logs")[0].int(0) == 2)
            }
        }
    }
}
