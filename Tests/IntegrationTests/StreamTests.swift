import Foundation
import HTTPCore
import JSONBytes
import Synchronization
import Testing
import TestSupport

/// What a viewer has seen so far, over all its connections.
private final class Seen: Sendable {
    struct Event: Sendable {
        /// The id of a durable event.
        let id: Int?
        let type: String
        let workspace: String?
    }

    private let state = Mutex<[Event]>([])

    var all: [Event] { state.withLock { $0 } }
    var durable: [Int] { all.compactMap(\.id) }
    var last: Int? { durable.last }

    func add(_ event: Event) { state.withLock { $0.append(event) } }
}

extension PlatformTests {
    @Suite("Event streams", .serialized)
    struct StreamTests {
        /// Reads a stream until `isEnough`, then hangs up.
        private func watch(
            _ platform: Platform, _ path: String, into seen: Seen, until isEnough: @Sendable () -> Bool
        ) async throws {
            let headers: HTTPHeaders = seen.last.map { ["Last-Event-ID": "\($0)"] } ?? [:]
            try await platform.api.stream(path, headers: headers) { block in
                var id: Int?
                for line in block.split(separator: "\n") {
                    if line.hasPrefix("id: ") { id = Int(line.dropFirst(4)) }
                    guard line.hasPrefix("data: ") else { continue }
                    let json = try JSONValue(decoding: Array(line.dropFirst(6).utf8))
                    seen.add(
                        .init(id: id, type: json["type"]?.string ?? "", workspace: json["workspace_id"]?.string))
                }
                return !isEnough()
            }
        }

        @Test("A viewer whose connection breaks again and again misses nothing and sees nothing twice")
        func resume() async throws {
            let platform = try await Platform.start(scale: ["registry": 2, "notifier": 2])
            let rounds = 12
            let workspacesARound = 10
            let seen = Seen()
            // From the log's beginning, on whichever notifier the gateway picks.
            let viewer = Task {
                while !Task.isCancelled, seen.durable.count < rounds * workspacesARound {
                    let before = seen.durable.count
                    try await watch(platform, "/events/stream?since=0", into: seen) {
                        seen.durable.count >= min(before + 7, rounds * workspacesARound)
                    }
                }
            }
            for _ in 0..<rounds {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<workspacesARound {
                        group.addTask {
                            let created = try await platform.api.call(
                                .post, "/workspaces", body: ["name": "w", "external": true])
                            #expect(created.status == 201)
                        }
                    }
                    try await group.waitForAll()
                }
            }
            try await eventually("the viewer to see everything", detail: { "\(seen.durable.count)" }) {
                seen.durable.count >= rounds * workspacesARound
            }
            viewer.cancel()
            _ = try? await viewer.value
            let wanted = try await platform.postgres.sql(
                "SELECT string_agg(sequence::text, ',') FROM structure_events", database: platform.databaseName)
            let all = wanted.trimmingCharacters(in: .whitespacesAndNewlines).split(separator: ",").compactMap {
                Int($0)
            }
            #expect(seen.durable.count == Set(seen.durable).count, "seen twice")
            #expect(Set(seen.durable) == Set(all))
            await platform.stop()
        }

        @Test("A workspace's own stream shows its events and no others', durable or not")
        func ownStream() async throws {
            let platform = try await Platform.start()
            let agent = try await EchoAgentProcess.start(on: platform)
            let other = try await EchoAgentProcess.start(on: platform, name: "other")
            let seen = Seen()
            let viewer = Task {
                try await watch(platform, "/workspaces/\(agent.id)/events/stream?since=0", into: seen) {
                    let types = seen.all.map(\.type)
                    return types.contains("WORKSPACE_HEARTBEAT") && types.contains("WORKSPACE_DEGRADED")
                }
            }
            try await other.command("wedge elsewhere")
            try await agent.command("wedge here")
            try await eventually("the stream to show the wedge") {
                seen.all.contains { $0.type == "WORKSPACE_DEGRADED" }
                    && seen.all.contains { $0.type == "WORKSPACE_HEARTBEAT" }
            }
            try await viewer.value
            #expect(seen.all.allSatisfy { $0.workspace == agent.id })
            #expect(seen.all.contains { $0.type == "WORKSPACE_ONLINE" })
            await agent.stop()
            await other.stop()
            await platform.stop()
        }
    }
}
