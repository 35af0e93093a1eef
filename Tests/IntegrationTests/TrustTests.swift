import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

extension RegistryProcessTests {
    /// What an operator who runs the platform for others relies on.
    @Suite("Trust outside of development", .serialized)
    struct TrustTests {
        private static let production = [
            "MOLECULE_ENV": "production", "SECRETS_ENCRYPTION_KEY": "0123456789abcdef0123456789abcdef",
        ]

        private func register(_ api: API, _ id: String, bearer: String?) async throws -> API.ReceivedResponse {
            try await api.call(
                .post, "/registry/register", bearer: bearer,
                body: ["id": .string(id), "url": "http://localhost:9000", "agent_card": ["name": "agent"]])
        }

        @Test("A created workspace has one owner: a caller that knows its id needs its token from the beginning")
        func created() async throws {
            try await Fleet.with(["registry"], environment: Self.production) { fleet in
                let api = fleet.api
                let shared: JSONValue = ["key": "SHARED", "value": "secret"]
                #expect(try await api.call(.put, "/settings/secrets", body: shared).status == 200)
                for url in [nil, "http://localhost:9000"] as [String?] {
                    let (id, token) = try await fleet.create(url.map { ["url": JSONValue.string($0)] } ?? [:])
                    #expect(token.count == 43, "\(url ?? "no URL")")
                    #expect(try await register(api, id, bearer: nil).status == 401)
                    let beat: JSONValue = ["workspace_id": .string(id)]
                    #expect(try await api.call(.post, "/registry/heartbeat", bearer: nil, body: beat).status == 401)
                    let peers = "/registry/\(id)/peers"
                    #expect(try await api.call(.get, peers, bearer: nil).status == 401)
                    let discover = try await api.call(
                        .get, "/registry/discover/\(id)", bearer: nil, headers: ["X-Workspace-ID": id])
                    #expect(discover.status == 401)
                    #expect(try await register(api, id, bearer: token).text == #"{"status":"registered"}"#)
                    #expect(try await api.call(.post, "/registry/heartbeat", bearer: token, body: beat).status == 200)
                    let values = try await api.call(.get, "/workspaces/\(id)/secrets/values", bearer: token)
                    #expect(values.json == ["SHARED": "secret"])
                }
                // One of the platform's own that never started: its token is made when it does.
                let managed = try await fleet.create(["external": false]).id
                #expect(try await register(api, managed, bearer: nil).status == 401)
            }
        }

        @Test("In development the first registration of what was created with an address returns its token")
        func development() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let body: JSONValue = ["name": "w", "external": true, "url": "http://localhost:9000"]
                let created = try await fleet.api.call(.post, "/workspaces", body: body).json
                let connection = try #require(created["connection"])
                #expect(connection["auth_token"]?.isNull == true && connection["platform_url"] != nil)
                #expect(connection["curl_register_template"]?.string?.contains("Bearer") == false)
                let id = try #require(created["id"]?.string)
                let token = try await register(fleet.api, id, bearer: nil).json["auth_token"]?.string
                #expect(token?.count == 43)
                #expect(try await register(fleet.api, id, bearer: nil).status == 401)
            }
        }

        @Test("Who registered itself gets no secrets of all, and an operator's registration is a creation")
        func selfRegistered() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let shared: JSONValue = ["key": "SHARED", "value": "secret"]
                #expect(try await fleet.api.call(.put, "/settings/secrets", body: shared).status == 200)
                for bearer in [nil, Platform.adminToken] {
                    let expected: JSONValue = bearer == nil ? ["OWN": "mine"] : ["OWN": "mine", "SHARED": "secret"]
                    let id = UUID().uuidString.lowercased()
                    let token = try #require(
                        try await register(fleet.api, id, bearer: bearer).json["auth_token"]?.string)
                    let path = "/workspaces/\(id)/secrets"
                    let own: JSONValue = ["key": "OWN", "value": "mine"]
                    #expect(try await fleet.api.call(.put, path, bearer: token, body: own).status == 200)
                    #expect(try await fleet.api.call(.get, path + "/values", bearer: token).json == expected)
                }
            }
        }

        @Test("Where a workspace is reached, and its card, is shown to operators and to those who may talk to it")
        func redaction() async throws {
            try await Fleet.with(["registry"], environment: Self.production) { fleet in
                let (id, token) = try await fleet.create(["url": "http://localhost:9000"])
                #expect(try await register(fleet.api, id, bearer: token).status == 200)
                let child = try await fleet.create(["parent_id": .string(id)])
                let sibling = try await fleet.create()
                let nephew = try await fleet.create(["parent_id": .string(sibling.id)])
                let path = "/workspaces/\(id)"
                for bearer in [nil, "wrong", nephew.token] {
                    let seen = try await fleet.api.call(.get, path, bearer: bearer)
                    #expect(seen.status == 200 && seen.json["name"]?.string == "workspace")
                    #expect(seen.json["url"] == nil && seen.json["agent_card"] == nil, "\(seen.text)")
                    #expect(seen.json["budget_limit"] == nil)
                }
                for bearer in [token, child.token, sibling.token] {
                    let seen = try await fleet.api.call(.get, path, bearer: bearer).json
                    #expect(seen["url"]?.string == "http://localhost:9000" && seen["agent_card"]?["name"] != nil)
                    #expect(seen["budget_limit"] == nil && seen["current_task"] == nil)
                }
                let whole = try await fleet.api.call(.get, path).json
                #expect(whole["url"]?.string == "http://localhost:9000" && whole["budget_limit"]?.isNull == true)

                #expect(try await fleet.api.call(.delete, path + "?confirm=true").status == 200)
                for bearer in [nil, "wrong", token, sibling.token] {
                    let gone = try await fleet.api.call(.get, path, bearer: bearer)
                    #expect(gone.status == 404 && gone.text == #"{"error":"workspace not found"}"#)
                }
                #expect(try await fleet.api.call(.get, path).json["status"]?.string == "removed")
            }
        }

        @Test("A caller refused for want of a credential gets to know which kind would do")
        func challenge() async throws {
            try await Fleet.with(["registry"], environment: Self.production) { fleet in
                let id = try await fleet.create().id
                for (path, bearer) in [
                    ("/workspaces", nil), ("/workspaces", "wrong"), ("/workspaces/\(id)/state", nil),
                    ("/registry/\(id)/peers", nil),
                ] as [(String, String?)] {
                    let refused = try await fleet.api.call(.get, path, bearer: bearer)
                    #expect(refused.status == 401, "\(path)")
                    #expect(refused.headers["www-authenticate"] == #"Bearer realm="switchyard""#, "\(path)")
                }
            }
        }

        @Test("A revoked token opens nothing on any instance, and the others go on")
        func revocation() async throws {
            try await Fleet.with(["registry", "registry"], environment: Self.production) { fleet in
                let (id, token) = try await fleet.create()
                let (other, otherToken) = try await fleet.create()
                let state = "/workspaces/\(id)/state"
                for api in fleet.apis {
                    #expect(try await api.call(.get, state, bearer: token).status == 200)
                    #expect(try await api.call(.get, "/workspaces/\(other)/state", bearer: otherToken).status == 200)
                }
                let list = try await fleet.api.call(.get, "/workspaces/\(id)/tokens")
                let first = try #require(list.json["tokens"]?[0]?["id"]?.string)
                #expect(try await fleet.api.call(.delete, "/workspaces/\(id)/tokens/\(first)").status == 200)
                #expect(try await fleet.api.call(.get, state, bearer: token).status == 401)
                try await eventually("the other instance to hear of it") {
                    try await fleet.apis[1].call(.get, state, bearer: token).status == 401
                }
                for api in fleet.apis {
                    #expect(try await api.call(.get, "/workspaces/\(other)/state", bearer: otherToken).status == 200)
                }
            }
        }

        @Test("A purge beside an agent that goes on: it ends, and so does the agent, and others are not affected")
        func purge() async throws {
            try await Fleet.with(["registry", "registry"]) { fleet in
                let bystander = try await fleet.create()
                for _ in 0..<6 {
                    let (id, token) = try await fleet.create()
                    #expect(try await register(fleet.api, id, bearer: token).status == 200)
                    let statuses = try await withThrowingTaskGroup(of: [Int].self) { group in
                        for number in 0..<6 {
                            group.addTask { try await live(fleet.apis[number % 2], id, token, number) }
                        }
                        group.addTask {
                            let purged = try await fleet.api.call(.delete, "/workspaces/\(id)?confirm=true&purge=true")
                            return purged.status == 200 ? [] : [purged.status + 1000]
                        }
                        group.addTask {
                            let beat: JSONValue = ["workspace_id": .string(bystander.id)]
                            return [
                                try await fleet.api.call(
                                    .post, "/registry/heartbeat", bearer: bystander.token, body: beat
                                ).status
                            ]
                        }
                        return try await group.reduce(into: []) { $0 += $1 }
                    }
                    #expect(Set(statuses).isSubset(of: [200, 201, 401, 404, 410, 429]), "\(statuses)")
                    let left = try await fleet.sql("SELECT count(*) FROM workspaces WHERE id = $1::uuid", [id])
                    #expect(left[0].int(0) == 0, "it came back")
                }
            }
        }

        /// What an agent does until it gets a 410.
        private func live(_ api: API, _ id: String, _ token: String, _ number: Int) async throws -> [Int] {
            var statuses: [Int] = []
            let end = ContinuousClock.now + .seconds(30)
            while .now < end {
                let response =
                    switch number % 3 {
                    case 0: try await register(api, id, bearer: token)
                    case 1:
                        try await api.call(
                            .post, "/registry/heartbeat", bearer: token, body: ["workspace_id": .string(id)])
                    default: try await api.call(.post, "/workspaces/\(id)/tokens")
                    }
                statuses.append(response.status)
                if [401, 404, 410].contains(response.status) || response.status >= 500 { break }
            }
            return statuses
        }

        @Test("Peers come a page at a time")
        func peers() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let (id, token) = try await fleet.create(["name": "self"])
                for name in ["c", "a", "b"] { _ = try await fleet.create(["name": .string(name)]) }
                let path = "/registry/\(id)/peers"
                func names(_ query: String) async throws -> ([String], next: String?) {
                    let response = try await fleet.api.call(.get, path + query, bearer: token)
                    #expect(response.status == 200, "\(query)")
                    return (
                        response.json.array?.compactMap { $0["name"]?.string } ?? [], response.headers["x-next-cursor"]
                    )
                }
                let all = try await names("")
                #expect(all.0 == ["a", "b", "c"] && all.next == nil)
                let first = try await names("?limit=2")
                #expect(first.0 == ["a", "b"])
                let second = try await names("?limit=2&cursor=\(try #require(first.next))")
                #expect(second.0 == ["c"] && second.next == nil)
                for query in ["?limit=0", "?limit=1001", "?limit=x", "?cursor=x", "?cursor=MTp4Og"] {
                    let refused = try await fleet.api.call(.get, path + query, bearer: token)
                    #expect(refused.status == 400 && refused.json["field"] != nil, "\(query)")
                }
            }
        }
    }
}
