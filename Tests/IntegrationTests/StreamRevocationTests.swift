import Foundation
import HTTPCore
import JSONBytes
import Synchronization
import Testing
import TestSupport

/// What has come on each stream, by its token.
private final class Blocks: Sendable {
    private let counts = Mutex<[String: Int]>([:])

    func add(to token: String) { counts.withLock { $0[token, default: 0] += 1 } }
    func count(_ token: String) -> Int { counts.withLock { $0[token] ?? 0 } }
}

extension RegistryProcessTests {
    @Suite("Streams and their tokens", .serialized)
    struct StreamRevocationTests {
        @Test("A stream ends when the token that opened it is revoked, and others go on")
        func revoked() async throws {
            try await Fleet.with(["registry", "notifier"]) { fleet in
                let (id, token) = try await fleet.create()
                let path = "/workspaces/\(id)/tokens"
                let other = try await fleet.api.call(.post, path).json["auth_token"]?.string
                let kept = try #require(other)
                let blocks = Blocks()
                func watch(_ bearer: String) -> Task<Void, any Error> {
                    Task {
                        try await fleet.apis[1].stream("/workspaces/\(id)/events/stream", bearer: bearer) { _ in
                            blocks.add(to: bearer)
                            return true
                        }
                    }
                }
                let (ends, goesOn) = (watch(token), watch(kept))
                defer { goesOn.cancel() }
                try await eventually("both streams") { blocks.count(token) > 0 && blocks.count(kept) > 0 }
                let listed = try await fleet.api.call(.get, path).json["tokens"]?.array ?? []
                let own = try #require(listed.first { token.hasPrefix($0["prefix"]?.string ?? "-") }?["id"]?.string)
                #expect(try await fleet.api.call(.delete, "\(path)/\(own)").status == 200)
                try await ends.value
                let before = blocks.count(kept)
                try await eventually("the other to go on") { blocks.count(kept) > before }
            }
        }

        @Test("A notifier that shuts down ends its streams, and does not wait for their clients")
        func stops() async throws {
            try await Fleet.with(["registry", "notifier"]) { fleet in
                let (id, token) = try await fleet.create()
                let blocks = Blocks()
                let watch = Task {
                    try await fleet.apis[1].stream("/workspaces/\(id)/events/stream", bearer: token) { _ in
                        blocks.add(to: token)
                        return true
                    }
                }
                try await eventually("the stream") { blocks.count(token) > 0 }
                // The grace is 30 s.
                #expect(await fleet.services[1].terminate(within: .seconds(25)) == 0)
                try await watch.value
            }
        }
    }
}
