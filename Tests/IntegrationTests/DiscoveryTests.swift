import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

extension RegistryProcessTests {
    @Suite("Discovery over HTTP", .serialized)
    struct DiscoveryTests {
        private static let unknown = "99999999-9999-4999-8999-999999999999"

        private func discover(
            _ fleet: Fleet, _ target: String, from caller: String, bearer: String? = Platform.adminToken
        ) async throws -> API.ReceivedResponse {
            try await fleet.api.call(
                .get, "/registry/discover/\(target)", bearer: bearer, headers: ["X-Workspace-ID": caller])
        }

        /// A workspace that is online at an address.
        private func online(_ fleet: Fleet, _ url: String, _ fields: [String: JSONValue] = [:]) async throws -> String {
            let id = try await fleet.create(fields).id
            try await fleet.sql("UPDATE workspaces SET status = 'online', url = $2 WHERE id = $1::uuid", [id, url])
            return id
        }

        @Test("Which callers may discover whom, and what each refusal says")
        func refusals() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let (caller, token) = try await fleet.create()
                let (stranger, _) = try await fleet.create()
                let target = try await online(fleet, "http://localhost:9000", ["name": "target"])
                let child = try await online(fleet, "http://localhost:9001", ["parent_id": .string(target)])
                let found = try await discover(fleet, target, from: caller, bearer: token)
                #expect(found.status == 200)
                #expect(found.text == #"{"id":"\#(target)","url":"http://localhost:9000","name":"target"}"#)

                let headless = try await fleet.api.call(.get, "/registry/discover/\(target)", bearer: token)
                #expect(headless.status == 400)
                #expect(headless.json["error"]?.string == "X-Workspace-ID header is required")
                #expect(try await discover(fleet, target, from: "x", bearer: token).status == 400)
                #expect(try await discover(fleet, "x", from: caller, bearer: token).status == 400)
                #expect(try await discover(fleet, target, from: stranger, bearer: token).status == 401)
                #expect(try await discover(fleet, target, from: caller, bearer: nil).status == 401)
                for (to, from) in [(child, caller), (Self.unknown, caller), (target, Self.unknown)] {
                    let refused = try await discover(fleet, to, from: from)
                    #expect(refused.status == 403)
                    #expect(refused.json["error"]?.string == "not authorized to discover this workspace")
                }
                try await fleet.sql("UPDATE workspaces SET status = 'paused' WHERE id = $1::uuid", [target])
                let paused = try await discover(fleet, target, from: caller, bearer: token)
                #expect(paused.status == 503)
                #expect(paused.text == #"{"error":"workspace not available","status":"paused"}"#)
                try await fleet.remove(target)
                #expect(try await discover(fleet, target, from: caller, bearer: token).status == 403)
            }
        }

        @Test("forwarded_to is followed five times, and a removed end is not reachable")
        func forwarding() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let caller = try await fleet.create().id
                var chain: [String] = []
                for number in 0..<7 {
                    chain.append(
                        try await online(fleet, "http://localhost:\(9000 + number)", ["name": "n\(number)"].asJSON))
                }
                for (from, to) in zip(chain, chain.dropFirst()) {
                    try await fleet.sql(
                        "UPDATE workspaces SET forwarded_to = $2::uuid WHERE id = $1::uuid", [from, to])
                }
                let last = try await discover(fleet, chain[2], from: caller)
                #expect(last.json["id"]?.string == chain[6] && last.json["url"]?.string == "http://localhost:9006")
                #expect(last.json["name"]?.string == "n6")
                #expect(try await discover(fleet, chain[0], from: caller).json["id"]?.string == chain[5])
                try await fleet.remove(chain[6])
                let removed = try await discover(fleet, chain[2], from: caller)
                #expect(removed.status == 503 && removed.json["status"]?.string == "removed")
            }
        }

        @Test("An address is checked before it is returned, whichever caller set it")
        func safety() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let caller = try await fleet.create().id
                for url in [
                    "http://169.254.169.254/", "http://127.0.0.1:80/", "http://10.0.0.1/", "file:///etc/passwd",
                ] {
                    let target = try await online(fleet, url)
                    let refused = try await discover(fleet, target, from: caller)
                    #expect(refused.status == 503, "\(url)")
                    #expect(refused.text == #"{"error":"workspace URL failed safety check"}"#, "\(url)")
                }
                let managed = try await online(fleet, "http://127.0.0.1:40000")
                try await fleet.sql(
                    "UPDATE workspaces SET url_provisioned = true, external = false WHERE id = $1::uuid", [managed])
                #expect(
                    try await discover(fleet, managed, from: caller).json["url"]?.string == "http://127.0.0.1:40000")
                try await fleet.sql(
                    "UPDATE workspaces SET internal_url = 'http://10.0.0.1/' WHERE id = $1::uuid", [managed])
                let inside = try await online(fleet, "http://127.0.0.1:40001")
                try await fleet.sql(
                    "UPDATE workspaces SET url_provisioned = true, external = false WHERE id = $1::uuid", [inside])
                #expect(try await discover(fleet, managed, from: inside).status == 503)
                let outside = try await online(fleet, "http://localhost:9000/a")
                let rewritten = try await discover(fleet, outside, from: inside)
                #expect(rewritten.json["url"]?.string == "http://host.docker.internal:9000/a")
            }
        }

        @Test("Containers get each other's names where all else is a loopback address")
        func betweenContainers() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let managed = try await (
                    online(fleet, "http://127.0.0.1:40000"), online(fleet, "http://127.0.0.1:40001")
                )
                for id in [managed.0, managed.1] {
                    try await fleet.sql(
                        """
                        UPDATE workspaces SET url_provisioned = true, external = false,
                            internal_url = 'http://localhost:8000' WHERE id = $1::uuid
                        """, [id])
                }
                let found = try await discover(fleet, managed.0, from: managed.1)
                #expect(found.json["url"]?.string == "http://ws-\(managed.0.prefix(12)):8000")
                let outside = try await fleet.create().id
                #expect(
                    try await discover(fleet, managed.0, from: outside).json["url"]?.string == "http://127.0.0.1:40000")
            }
        }

        @Test("Peers are parent, children and siblings; a filter that matches no peer gives an empty list")
        func peers() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let parent = try await fleet.create(["name": "Parent"]).id
                let (id, token) = try await fleet.create(["name": "self", "parent_id": .string(parent)])
                let sibling = try await fleet.create(["name": "sib_ling", "parent_id": .string(parent)]).id
                let child = try await fleet.create(["name": "child", "role": "Writer", "parent_id": .string(id)]).id
                _ = try await fleet.create(["name": "grandchild", "parent_id": .string(child)])
                _ = try await fleet.create(["name": "other root"])
                let gone = try await fleet.create(["name": "gone", "parent_id": .string(id)]).id
                try await fleet.remove(gone)
                func names(_ query: String) async throws -> [String] {
                    let response = try await fleet.api.call(.get, "/registry/\(id)/peers\(query)", bearer: token)
                    #expect(response.status == 200)
                    if query.contains("nobody") { #expect(response.text == "[]") }
                    return (response.json.array ?? []).compactMap { $0["name"]?.string }.sorted()
                }
                for query in ["", "?q=", "?q=%20%20", "?q=%0A"] {
                    #expect(try await names(query) == ["Parent", "child", "sib_ling"], "\(query)")
                }
                #expect(try await names("?q=WRITER") == ["child"])
                #expect(try await names("?q=%20par%20") == ["Parent"])
                #expect(try await names("?q=_") == ["sib_ling"])
                #expect(try await names("?q=nobody%25") == [])
                let whole = try await fleet.api.call(.get, "/registry/\(sibling)/peers?q=self")
                #expect(
                    Set(whole.json[0]?.object?.keys.map { $0 } ?? []) == [
                        "id", "name", "role", "tier", "status", "url", "parent_id", "active_tasks", "agent_card",
                    ])
                #expect(try await fleet.api.call(.get, "/registry/\(id)/peers", bearer: nil).status == 401)
                #expect(try await fleet.api.call(.get, "/registry/\(sibling)/peers", bearer: token).status == 401)
                #expect(try await fleet.api.call(.get, "/registry/\(Self.unknown)/peers").status == 404)
                #expect(try await fleet.api.call(.get, "/registry/x/peers").status == 400)

                func access(_ caller: String, _ target: String) async throws -> String {
                    try await fleet.api.call(
                        .post, "/registry/check-access", bearer: nil,
                        body: ["caller_id": .string(caller), "target_id": .string(target)]
                    ).text
                }
                #expect(try await access(id, sibling) == #"{"allowed":true}"#)
                #expect(try await access(parent, child) == #"{"allowed":true}"#)
                #expect(try await access(child, sibling) == #"{"allowed":false}"#)
                #expect(try await access(id, Self.unknown) == #"{"allowed":false}"#)
                #expect(try await access(id, gone) == #"{"allowed":false}"#)
            }
        }
    }
}

extension [String: String] {
    fileprivate var asJSON: [String: JSONValue] { mapValues { .string($0) } }
}
