import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

extension RegistryProcessTests {
    @Suite("State, boot and budget", .serialized)
    struct StateTests {
        private static let unknown = "99999999-9999-4999-8999-999999999999"

        @Test("An agent that polls gets whether it is paused, and that it was removed")
        func state() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let (id, token) = try await fleet.create()
                let stranger = try await fleet.create().token
                let path = "/workspaces/\(id)/state"
                let waiting = try await fleet.api.call(.get, path, bearer: token)
                #expect(waiting.status == 200)
                #expect(
                    waiting.text
                        == #"{"workspace_id":"\#(id)","status":"awaiting_agent","paused":false,"deleted":false}"#)
                try await fleet.sql("UPDATE workspaces SET status = 'paused' WHERE id = $1::uuid", [id])
                #expect(try await fleet.api.call(.get, path, bearer: token).json["paused"]?.bool == true)

                // A removed workspace's token grants nothing; the response here says why.
                try await fleet.remove(id)
                for bearer in [token, Platform.adminToken] {
                    let gone = try await fleet.api.call(.get, path, bearer: bearer)
                    #expect(gone.status == 404)
                    #expect(gone.json["deleted"]?.bool == true && gone.json["workspace_id"]?.string == id)
                    #expect(gone.json["status"]?.string == "removed")
                }
                #expect(try await fleet.api.call(.get, path, bearer: stranger).status == 401)
                #expect(try await fleet.api.call(.get, path, bearer: nil).status == 401)
                let missing = try await fleet.api.call(.get, "/workspaces/\(Self.unknown)/state")
                #expect(missing.status == 404 && missing.json["deleted"]?.bool == true && missing.json["status"] == nil)
                #expect(try await fleet.api.call(.get, "/workspaces/x/state").status == 400)
            }
        }

        @Test("The agent of a removed workspace gets 410 from a registry that never saw its token")
        func removedAgent() async throws {
            try await Fleet.with(["registry", "registry"]) { fleet in
                let (id, token) = try await fleet.create()
                let stranger = try await fleet.create().token
                try await fleet.remove(id)
                let beat: JSONValue = ["workspace_id": .string(id)]
                let register: JSONValue = ["id": .string(id), "url": "http://localhost:1/", "agent_card": [:]]
                for (path, body) in [("/registry/heartbeat", beat), ("/registry/register", register)] {
                    let refusal = try await fleet.apis[1].call(.post, path, bearer: token, body: body)
                    #expect(refusal.status == 410)
                    #expect(refusal.text == #"{"error":"workspace removed","deleted":true}"#)
                    #expect(try await fleet.api.call(.post, path, bearer: stranger, body: body).status == 401)
                    #expect(try await fleet.api.call(.post, path, bearer: nil, body: body).status == 401)
                    #expect(try await fleet.api.call(.post, path, body: body).status == 410)
                }
                #expect(try await fleet.apis[1].call(.get, "/workspaces/\(id)/tokens", bearer: token).status == 401)
            }
        }

        @Test("A boot that crashed fails a workspace that is provisioning, once, and no other")
        func bootstrap() async throws {
            try await Fleet.with(["registry", "registry"]) { fleet in
                let (id, token) = try await fleet.create()
                let path = "/admin/workspaces/\(id)/bootstrap-failed"
                #expect(try await fleet.api.call(.post, path).status == 409)
                try await fleet.sql("UPDATE workspaces SET status = 'provisioning' WHERE id = $1::uuid", [id])
                #expect(try await fleet.api.call(.post, path, bearer: token).status == 401)
                async let first = fleet.apis[0].call(.post, path)
                async let second = fleet.apis[1].call(.post, path)
                #expect(try await [first.status, second.status].sorted() == [200, 409])
                let again = try await fleet.api.call(.post, path)
                #expect(again.json["error"]?.string == "workspace is not being provisioned")
                #expect(again.json["status"]?.string == "failed")
                #expect(try await fleet.events(of: id).filter { $0 == "workspace.provision_failed" }.count == 1)
                let data = try await fleet.sql(
                    "SELECT data FROM structure_events WHERE type = 'workspace.provision_failed'")
                #expect(
                    data[0].string(0)
                        == #"{"error":"workspace bootstrap failed","source":"bootstrap_watcher","runtime":"langgraph"}"#
                )
                let unknown = "/admin/workspaces/\(Self.unknown)/bootstrap-failed"
                #expect(try await fleet.api.call(.post, unknown).status == 404)
            }
        }

        @Test("The budget is read by the workspace and set by operators only")
        func budget() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let (id, token) = try await fleet.create()
                let path = "/workspaces/\(id)/budget"
                #expect(
                    try await fleet.api.call(.get, path, bearer: token).text
                        == #"{"budget_limit":null,"monthly_spend":0,"budget_remaining":null}"#)
                let beat: JSONValue = ["workspace_id": .string(id), "monthly_spend": 300]
                #expect(try await fleet.api.call(.post, "/registry/heartbeat", bearer: token, body: beat).status == 200)
                let limit: JSONValue = ["budget_limit": 250]
                #expect(try await fleet.api.call(.patch, path, bearer: token, body: limit).status == 401)
                let set = try await fleet.api.call(.patch, path, body: limit)
                #expect(set.text == #"{"budget_limit":250,"monthly_spend":300,"budget_remaining":-50}"#)
                #expect(try await fleet.api.call(.get, path, bearer: token).text == set.text)
                #expect(try await fleet.events(of: id).last == "workspace.updated")
                for wrong: JSONValue in [[:], ["budget_limit": -1], ["budget_limit": "1"], ["budget_limit": 1.5]] {
                    let refused = try await fleet.api.call(.patch, path, body: wrong)
                    #expect(refused.status == 400 && refused.json["field"]?.string == "budget_limit", "\(wrong)")
                }
                #expect(try await fleet.api.call(.patch, path, body: ["budget_limit": .null]).status == 200)
                #expect(try await fleet.api.call(.get, path).json["budget_limit"]?.isNull == true)
                #expect(
                    try await fleet.api.call(.patch, "/workspaces/\(Self.unknown)/budget", body: limit).status == 404)
            }
        }
    }
}
