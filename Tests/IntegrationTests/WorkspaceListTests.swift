import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

extension RegistryProcessTests {
    /// `GET /workspaces` page by page, as a client walks it.
    @Suite("Lists by cursor", .serialized)
    struct WorkspaceListTests {
        private func ids(_ response: API.ReceivedResponse) -> [String] {
            (response.json.array ?? []).compactMap { $0["id"]?.string }
        }

        /// All pages, in order.
        private func walk(_ api: API, _ query: String, limit: Int) async throws -> [[String]] {
            var pages: [[String]] = []
            var cursor: String?
            repeat {
                let next = cursor.map { "&cursor=\($0)" } ?? ""
                let response = try await api.call(.get, "/workspaces?limit=\(limit)\(query)\(next)")
                #expect(response.status == 200)
                pages.append(ids(response))
                cursor = response.headers["x-next-cursor"]
            } while cursor != nil && pages.count < 1000
            return pages
        }

        @Test("The pages are the whole list, each workspace once, also those made in one moment")
        func whole() async throws {
            try await Fleet.with(["registry", "registry"]) { fleet in
                for _ in 0..<23 { _ = try await fleet.create() }
                // In one microsecond the ids decide.
                try await fleet.sql("UPDATE workspaces SET created_at = '2026-01-01T00:00:00.123457Z' WHERE tier = 3")
                _ = try await fleet.create()
                let whole = try await fleet.api.call(.get, "/workspaces")
                #expect(whole.headers["x-next-cursor"] == nil)
                let all = ids(whole)
                #expect(Set(all).count == 24)
                for limit in [1, 5, 8, 24, 1000] {
                    let pages = try await walk(fleet.api, "", limit: limit)
                    #expect(pages.flatMap { $0 } == all, "limit \(limit)")
                    #expect(pages.dropLast().allSatisfy { $0.count == limit })
                }
                let first = try await fleet.api.call(.get, "/workspaces?limit=5")
                let cursor = try #require(first.headers["x-next-cursor"])
                let elsewhere = try await fleet.apis[1].call(.get, "/workspaces?cursor=\(cursor)")
                #expect(ids(elsewhere) == Array(all.dropFirst(5)), "without a limit: the rest, from any instance")
            }
        }

        @Test("What is made or removed while a client walks moves nothing else")
        func changesMeanwhile() async throws {
            try await Fleet.with(["registry"]) { fleet in
                var made: [String] = []
                for _ in 0..<6 { made.append(try await fleet.create().id) }
                let first = try await fleet.api.call(.get, "/workspaces?limit=3")
                #expect(ids(first) == Array(made[..<3]))
                // The one that the cursor names, one behind it, and a new one.
                try await fleet.remove(made[2])
                try await fleet.remove(made[4])
                let late = try await fleet.create().id
                let cursor = try #require(first.headers["x-next-cursor"])
                let second = try await fleet.api.call(.get, "/workspaces?limit=3&cursor=\(cursor)")
                #expect(ids(second) == [made[3], made[5], late])
            }
        }

        @Test("A filter holds on every page")
        func filters() async throws {
            try await Fleet.with(["registry"]) { fleet in
                let parent = try await fleet.create(["name": "parent"]).id
                var children: [String] = []
                for number in 0..<7 {
                    let name = JSONValue.string(number % 2 == 0 ? "Even \(number)" : "odd \(number)")
                    children.append(try await fleet.create(["name": name, "parent_id": .string(parent)]).id)
                    _ = try await fleet.create(["name": "even elsewhere", "url": "http://localhost:9000"])
                }
                let even = children.indices.filter { $0 % 2 == 0 }.map { children[$0] }
                for (query, expected) in [
                    ("&parent_id=\(parent)", children), ("&parent_id=\(parent)&q=EVEN", even),
                    ("&parent_id=\(parent)&status=awaiting_agent", children),
                    ("&parent_id=\(parent)&status=online", []), ("&q=nobody", []),
                ] {
                    let pages = try await walk(fleet.api, query, limit: 2)
                    #expect(pages.flatMap { $0 } == expected, "\(query)")
                }
                let online = try await walk(fleet.api, "&status=online", limit: 3)
                #expect(online.map(\.count) == [3, 3, 1])
            }
        }

        @Test("A cursor that we did not give, and limits that are none, are refused by name")
        func refusals() async throws {
            try await Fleet.with(["registry"]) { fleet in
                _ = try await fleet.create()
                let id = "550e8400-e29b-41d4-a716-446655440000"
                let cursors = [
                    "x", "%25", "MTIz", "1:\(id)", Self.encoded("abc:\(id)"), Self.encoded("1:nonsense"),
                    Self.encoded("1:\(id):1"), Self.encoded("99999999999999999999:\(id)"),
                    Self.encoded("\(Int.min):\(id)"), Self.encoded("\(Int.max):\(id)"), Self.encoded("1e3:\(id)"),
                ]
                for (field, values) in [("cursor", cursors), ("limit", ["0", "-1", "1001", "x", "1.5"])] {
                    for value in values {
                        let refused = try await fleet.api.call(.get, "/workspaces?\(field)=\(value)")
                        #expect(refused.status == 400, "\(field) \(value)")
                        #expect(refused.json["field"]?.string == field && refused.json["reason"] != nil, "\(value)")
                    }
                }
                #expect(try await fleet.api.call(.get, "/workspaces").status == 200)
            }
        }

        private static func encoded(_ text: String) -> String {
            Data(text.utf8).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_")
                .replacing("=", with: "")
        }
    }
}
