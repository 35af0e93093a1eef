import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

extension RegistryProcessTests {
    @Suite("Registration over HTTP", .serialized)
    struct RegistrationTests {
        private func register(
            _ api: API, _ id: String, url: String = "http://localhost:9000", bearer: String? = nil,
            card: JSONValue = ["name": "agent"]
        ) async throws -> API.ReceivedResponse {
            try await api.call(
                .post, "/registry/register", bearer: bearer,
                body: ["id": .string(id), "url": .string(url), "agent_card": card])
        }

        private func newID() -> String { UUID().uuidString.lowercased() }

        @Test("However many register an agent first, over two instances, one of them gets the token")
        func firstToken() async throws {
            try await Fleet.with(["registry", "registry"]) { fleet in
                for round in 0..<8 {
                    let id = newID()
                    let responses = try await withThrowingTaskGroup(of: API.ReceivedResponse.self) { group in
                        for number in 0..<6 {
                            group.addTask {
                                try await register(fleet.apis[number % 2], id, url: "http://localhost:\(9000 + number)")
                            }
                        }
                        return try await group.reduce(into: []) { $0.append($1) }
                    }
                    let accepted = responses.filter { $0.status == 200 }
                    #expect(
                        accepted.count == 1 && accepted[0].json["auth_token"]?.string?.count == 43, "round \(round)")
                    #expect(responses.filter { $0.status == 401 }.count == 5, "round \(round)")
                    let tokens = try await fleet.sql(
                        "SELECT count(*) FROM workspace_auth_tokens WHERE workspace_id = $1::uuid", [id])
                    #expect(tokens[0].int(0) == 1)
                }
            }
        }

        @Test(
            "The provisioner's URL is kept, the agent's own is remembered; an emptied one gives way without exemption")
        func provisioned() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let (id, token) = try await fleet.create()
                func urls() async throws -> [String] {
                    let row = try await fleet.sql(
                        "SELECT url, internal_url, url_provisioned FROM workspaces WHERE id = $1::uuid", [id])[0]
                    return [row.optionalString(0) ?? "", row.optionalString(1) ?? "", row.bool(2) ? "ours" : "theirs"]
                }
                try await fleet.sql(
                    "UPDATE workspaces SET url = 'http://127.0.0.1:40000', url_provisioned = true WHERE id = $1::uuid",
                    [id])
                #expect(try await register(fleet.api, id, bearer: token).text == #"{"status":"registered"}"#)
                #expect(try await urls() == ["http://127.0.0.1:40000", "http://localhost:9000", "ours"])
                #expect(try await fleet.api.status(of: id) == "online")
                for empty in ["NULL", "''"] {
                    try await fleet.sql(
                        "UPDATE workspaces SET url = \(empty), url_provisioned = true, status = 'paused' WHERE id = $1::uuid",
                        [id])
                    #expect(
                        try await register(fleet.api, id, url: "http://localhost:9001", bearer: token).status == 200)
                    #expect(try await urls() == ["http://localhost:9001", "http://localhost:9000", "theirs"])
                }
            }
        }

        @Test("Every status but removed becomes online; what is missing or wrong is named")
        func bodies() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let (id, token) = try await fleet.create()
                for status in ["provisioning", "offline", "degraded", "failed", "paused", "hibernating", "hibernated"] {
                    try await fleet.sql(
                        "UPDATE workspaces SET status = '\(status)'::workspace_status WHERE id = $1::uuid", [id])
                    #expect(try await register(fleet.api, id, bearer: token).text == #"{"status":"registered"}"#)
                    #expect(try await fleet.api.status(of: id) == "online", "\(status)")
                }
                let wrong: [(JSONValue, String)] = [
                    (["url": "http://localhost:1", "agent_card": [:]], "id"),
                    (["id": "x", "url": "http://localhost:1", "agent_card": [:]], "id"),
                    (["id": .string(id), "agent_card": [:]], "url"),
                    (["id": .string(id), "url": 1, "agent_card": [:]], "url"),
                    (["id": .string(id), "url": "http://10.0.0.1/", "agent_card": [:]], "url"),
                    (["id": .string(id), "url": "http://localhost:1"], "agent_card"),
                    (["id": .string(id), "url": "http://localhost:1", "agent_card": .null], "agent_card"),
                    (["id": .string(id), "url": "http://localhost:1", "agent_card": "card"], "agent_card"),
                ]
                for (body, field) in wrong {
                    let response = try await fleet.api.call(.post, "/registry/register", bearer: token, body: body)
                    #expect(response.status == 400 && response.json["error"]?.string == "invalid request body")
                    #expect(
                        response.json["field"]?.string == field && response.json["reason"] != nil, "\(response.text)")
                }
            }
        }

        @Test("Outside of development an id that was not created needs an operator")
        func unknownID() async throws {
            let production = [
                "MOLECULE_ENV": "production", "SECRETS_ENCRYPTION_KEY": "0123456789abcdef0123456789abcdef",
            ]
            try await Fleet.with(["registry"], environment: production) { fleet in
                let id = newID()
                let refused = try await register(fleet.api, id)
                #expect(refused.status == 401 && refused.json["error"]?.string == "admin auth required")
                #expect(try await register(fleet.api, id, bearer: "wrong").status == 401)
                let registered = try await register(fleet.api, id, bearer: Platform.adminToken)
                let token = try #require(registered.json["auth_token"]?.string)
                #expect(try await register(fleet.api, id).json["error"]?.string == "missing workspace auth token")
                #expect(
                    try await register(fleet.api, id, bearer: "wrong").json["error"]?.string
                        == "invalid workspace auth token")
                #expect(try await register(fleet.api, id, bearer: token).text == #"{"status":"registered"}"#)
                // Created, and without a token: no caller's before an operator has issued one.
                let created = newID()
                try await fleet.sql("INSERT INTO workspaces (id, name) VALUES ($1::uuid, 'made')", [created])
                try await fleet.sql("INSERT INTO workspace_vitals (workspace_id) VALUES ($1::uuid)", [created])
                #expect(try await register(fleet.api, created).json["error"]?.string == "missing workspace auth token")
                let issued = try await fleet.api.call(.post, "/workspaces/\(created)/tokens")
                let own = try #require(issued.json["auth_token"]?.string)
                #expect(try await register(fleet.api, created, bearer: own).text == #"{"status":"registered"}"#)
                let seen = try await fleet.api.call(.get, "/workspaces/\(created)").json
                #expect(seen["name"]?.string == "made" && seen["status"]?.string == "online")
            }
        }

        @Test("Another organisation finds nothing, not even that there is nothing")
        func organization() async throws {
            try await Fleet.with(["registry"], environment: ["MOLECULE_ORG_ID": "acme"]) { fleet in
                let preflight: HTTPHeaders = [
                    "Origin": "http://localhost:3000", "Access-Control-Request-Method": "GET",
                ]
                for (method, path, headers) in [
                    (.get, "/workspaces", [:]), (.get, "/nowhere", [:]), (.put, "/workspaces", [:]),
                    (.options, "/workspaces", [:]), (.options, "/workspaces", preflight), (.get, "/health/", [:]),
                ] as [(HTTPMethod, String, HTTPHeaders)] {
                    for organization in [nil, "other"] as [String?] {
                        var headers = headers
                        if let organization { headers.add("X-Molecule-Org-Id", organization) }
                        let response = try await fleet.api.call(method, path, headers: headers)
                        #expect(response.status == 404 && response.bytes.isEmpty, "\(method) \(path)")
                    }
                }
                let own: HTTPHeaders = ["X-Molecule-Org-Id": "acme"]
                #expect(try await fleet.api.call(.get, "/workspaces", headers: own).status == 200)
                #expect(try await fleet.api.call(.get, "/nowhere", headers: own).text == #"{"error":"not found"}"#)
                #expect(try await fleet.api.call(.put, "/workspaces", headers: own).status == 405)
                // A browser cannot send the header with its preflight, only announce it.
                var announced = preflight
                announced.add("Access-Control-Request-Headers", "authorization, x-molecule-org-id")
                #expect(try await fleet.api.call(.options, "/workspaces", headers: announced).status == 204)
                for path in ["/health", "/ready", "/metrics"] {
                    #expect(try await fleet.api.call(.get, path).status == 200, "\(path)")
                }
                #expect(try await register(fleet.api, newID()).status == 200)
            }
        }
    }
}
