import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

extension RegistryProcessTests {
    @Suite("Tokens over two instances", .serialized)
    struct TokenTests {
        @Test("However many are requested at once, a workspace has 50 live tokens at most")
        func limit() async throws {
            try await Fleet.with(["registry", "registry"]) { fleet in
                let (id, token) = try await fleet.create()
                let path = "/workspaces/\(id)/tokens"
                let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                    for number in 0..<70 {
                        group.addTask { try await fleet.apis[number % 2].call(.post, path, bearer: token).status }
                    }
                    return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
                }
                #expect(statuses == [201: 49, 429: 21])
                let refused = try await fleet.api.call(.post, path, bearer: token)
                #expect(refused.json["error"]?.string == "maximum 50 active tokens per workspace")
                #expect(refused.headers["retry-after"] != nil)
            }
        }

        @Test("The list comes in pages, newest first, and what is no number is refused")
        func pages() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let id = try await fleet.create().id
                let path = "/workspaces/\(id)/tokens"
                for _ in 0..<4 { #expect(try await fleet.api.call(.post, path).status == 201) }
                let all = try await fleet.api.call(.get, path).json
                #expect(all["count"]?.int == 5 && all["tokens"]?.array?.count == 5)
                let times = (all["tokens"]?.array ?? []).compactMap { $0["created_at"]?.string }
                #expect(times == times.sorted(by: >))
                let page = try await fleet.api.call(.get, path + "?limit=2&offset=4").json
                #expect(page["count"]?.int == 1)
                #expect(page["tokens"]?[0] == all["tokens"]?[4])
                #expect(try await fleet.api.call(.get, path + "?limit=9999").json["count"]?.int == 5)
                for query in ["limit=x", "limit=0", "offset=-1"] {
                    #expect(try await fleet.api.call(.get, "\(path)?\(query)").status == 400, "\(query)")
                }
            }
        }

        @Test("A revoked token is refused by every instance within a second, although all had verified it")
        func revocation() async throws {
            try await Fleet.with(["registry", "registry"]) { fleet in
                // More than once: a service that has just connected empties its caches without a notification.
                for _ in 0..<3 { try await revokeOnce(fleet) }
            }
        }

        private func revokeOnce(_ fleet: Fleet) async throws {
            let (id, token) = try await fleet.create()
            let path = "/workspaces/\(id)/tokens"
            for api in fleet.apis { #expect(try await api.call(.get, path, bearer: token).status == 200) }
            let listed = try await fleet.api.call(.get, path).json["tokens"]?[0]?["id"]?.string
            let own = try #require(listed)
            let other = try await fleet.create().id
            let elsewhere = try await fleet.api.call(.delete, "/workspaces/\(other)/tokens/\(own)")
            #expect(elsewhere.json["error"]?.string == "token not found or already revoked")
            let revoked = try await fleet.api.call(.delete, "\(path)/\(own)")
            #expect(revoked.text == #"{"status":"revoked"}"#)
            #expect(try await fleet.api.call(.get, path, bearer: token).status == 401)
            try await eventually("the other instance to know") {
                try await fleet.apis[1].call(.get, path, bearer: token).status == 401
            }
            #expect(try await fleet.api.call(.delete, "\(path)/\(own)").status == 404)
            #expect(try await fleet.api.call(.delete, "\(path)/x").status == 400)
        }

        @Test("An org token passes wherever the administrator's does, until it is revoked everywhere")
        func organization() async throws {
            try await Fleet.with(["registry", "registry"]) { fleet in
                let (id, own) = try await fleet.create()
                let issued = try await fleet.api.call(.post, "/org/tokens", body: ["name": "ci", "org_id": "acme"])
                #expect(issued.status == 201)
                let token = try #require(issued.json["auth_token"]?.string)
                let tokenID = try #require(issued.json["id"]?.string)
                for api in fleet.apis {
                    for path in ["/workspaces", "/workspaces/\(id)/tokens", "/workspaces/\(id)/budget", "/org/tokens"] {
                        #expect(try await api.call(.get, path, bearer: token).status == 200, "\(path)")
                    }
                    #expect(try await api.call(.get, "/org/tokens", bearer: own).status == 401)
                    #expect(try await api.call(.get, "/workspaces/\(id)", bearer: token).json["budget_limit"] != nil)
                }
                let list = try await fleet.api.call(.get, "/org/tokens")
                #expect(list.json["count"]?.int == 1)
                #expect(list.json["tokens"]?[0]?["name"]?.string == "ci")
                #expect(list.json["tokens"]?[0]?["prefix"]?.string == String(token.prefix(8)))
                #expect(!list.text.contains(token))

                try await fleet.sql(
                    "INSERT INTO console_sessions (session_hash, org_token_id) VALUES (sha256('x'), $1::uuid)",
                    [tokenID])
                let revoked = try await fleet.api.call(.delete, "/org/tokens/\(tokenID)", bearer: token)
                #expect(revoked.text == #"{"status":"revoked"}"#)
                #expect(try await fleet.api.call(.get, "/workspaces", bearer: token).status == 401)
                try await eventually("the other instance to know") {
                    try await fleet.apis[1].call(.get, "/workspaces", bearer: token).status == 401
                }
                let session = try await fleet.sql("SELECT revoked_at IS NOT NULL FROM console_sessions")
                #expect(session[0].bool(0))
                #expect(try await fleet.api.call(.delete, "/org/tokens/\(tokenID)").status == 404)
                #expect(try await fleet.api.call(.post, "/org/tokens", body: ["name": 1]).status == 400)
                #expect(try await fleet.api.call(.post, "/org/tokens").status == 201)
            }
        }
    }
}
