import HTTPCore
import JSONBytes
import Testing
import TestSupport

extension OperatorTests {
    @Suite("Private bodies", .serialized)
    struct PrivateBodyTests {
        @Test("A viewer neither reads nor finds what a message's parties have marked as private")
        func feed() async throws {
            try await Fleet.with(["registry", "notifier"]) { fleet in
                let api = fleet.apis[1]
                let (id, token) = try await fleet.create()
                let issued = try await fleet.api.call(.post, "/org/tokens", body: ["name": "w", "role": "viewer"])
                let viewer = try #require(issued.json["auth_token"]?.string)
                let path = "/workspaces/\(id)/activity"
                for (word, isPrivate) in [("hidden", true), ("shown", false)] {
                    let metadata: JSONValue = ["private": .bool(isPrivate)]
                    let body: JSONValue = ["params": ["metadata": metadata, "text": .string(word)]]
                    let reported = try await api.call(
                        .post, path, bearer: token,
                        body: ["activity_type": "a2a_receive", "request_body": body, "response_body": ["a": "answer"]])
                    #expect(reported.status == 200, "\(reported.text)")
                }
                let all = try await api.call(.get, path).json.array ?? []
                #expect(all.count == 2 && all.allSatisfy { $0["response_body"] != nil && $0["is_private"] == nil })
                let seen = try await api.call(.get, path, bearer: viewer).json.array ?? []
                #expect(seen.count == 2)
                #expect(seen.map { $0["is_private"] == true } == [false, true])
                #expect(seen.map { $0["request_body"] != nil } == [true, false])
                #expect(seen.map { $0["response_body"] != nil } == [true, false])
                for (word, bearer, count) in [("hidden", viewer, 0), ("hidden", token, 1), ("shown", viewer, 1)] {
                    let found = try await api.call(.get, "/workspaces/\(id)/session-search?q=\(word)", bearer: bearer)
                    #expect(found.json.array?.count == count, "\(word)")
                }
            }
        }
    }
}
