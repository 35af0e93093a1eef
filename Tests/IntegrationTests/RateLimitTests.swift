import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

extension RegistryProcessTests {
    /// Two requests a minute: one comes back every 30 s, later than any of these tests takes.
    @Suite("The rate limit of a real service", .serialized)
    struct RateLimitTests {
        private static let limit = ["RATE_LIMIT": "2"]

        private func statuses(
            _ count: Int, _ call: (Int) async throws -> API.ReceivedResponse
        ) async throws -> [Int] {
            var statuses: [Int] = []
            for number in 0..<count { statuses.append(try await call(number).status) }
            return statuses
        }

        @Test("Invented bearers are charged to the address, on public routes, too")
        func invented() async throws {
            try await Fleet.with(["registry"], environment: Self.limit) { fleet in
                let id = try await fleet.create().id
                let redacted = try await statuses(1) {
                    try await fleet.api.call(.get, "/workspaces/\(id)", bearer: "invented \($0)")
                }
                let body: JSONValue = ["caller_id": .string(id), "target_id": .string(id)]
                let access = try await statuses(2) {
                    try await fleet.api.call(.post, "/registry/check-access", bearer: "other \($0)", body: body)
                }
                #expect(redacted + access == [200, 200, 429])
                let again = try await fleet.api.call(.get, "/workspaces/\(id)", bearer: "invented again")
                #expect(again.status == 429)
                #expect(try await fleet.api.call(.get, "/workspaces/\(id)").status == 200, "the operator goes on")
            }
        }

        @Test("A token that requests another's resources does not get its requests back, and its address pays for none")
        func refused() async throws {
            try await Fleet.with(["registry"], environment: Self.limit) { fleet in
                let (own, token) = try await fleet.create()
                let other = try await fleet.create().id
                #expect(try await fleet.api.call(.get, "/workspaces/\(own)/state", bearer: token).status == 200)
                let refused = try await statuses(2) { _ in
                    try await fleet.api.call(.get, "/workspaces/\(other)/state", bearer: token)
                }
                #expect(refused == [401, 429])
                let open = try await fleet.api.call(.get, "/workspaces/\(own)", bearer: nil)
                #expect(open.status == 200 && open.headers["x-ratelimit-remaining"] == "1")
            }
        }

        @Test("A new token's first heartbeat is charged to it and leaves its other requests alone")
        func heartbeats() async throws {
            try await Fleet.with(["registry"], environment: Self.limit) { fleet in
                let (id, token) = try await fleet.create()
                let body: JSONValue = ["workspace_id": .string(id)]
                let beats = try await statuses(3) { _ in
                    try await fleet.api.call(.post, "/registry/heartbeat", bearer: token, body: body)
                }
                #expect(beats == [200, 200, 429])
                let state = try await fleet.api.call(.get, "/workspaces/\(id)/state", bearer: token)
                #expect(state.status == 200 && state.headers["x-ratelimit-remaining"] == "1")
            }
        }
    }
}
