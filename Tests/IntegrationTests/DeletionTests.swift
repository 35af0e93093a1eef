import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

/// A workspace as its agent sees it.
private struct Racer: Sendable {
    let id: String
    let token: String
}

extension PlatformTests {
    @Suite(
        "Deleting while heartbeats arrive", .serialized)
    struct DeletionTests {
        private static let rounds = 5

        @Test("A deleted workspace is never resurrected, with its heartbeats coming in at two registries")
        func neverResurrected() async throws {
            let platform = try await Platform.start(scale: ["registry": 2])
            let registries = platform.instances("registry").map { API(baseURL: $0.baseURL) }
            for round in 0..<Self.rounds {
                let parent = try await create("parent", below: nil, on: registries[0])
                var family = [parent]
                for _ in 0..<3 { family.append(try await create("child", below: parent.id, on: registries[1])) }
                try await delete(family, by: registries[round % 2], whileBeatingAt: registries)
                try await check(family, on: platform, registries)
            }
            for registry in registries { registry.close() }
            await platform.stop()
        }

        /// - Returns: an external workspace that waits for its agent.
        private func create(_ name: String, below parent: String?, on registry: API) async throws -> Racer {
            var body: [String: JSONValue] = ["name": .string(name), "external": true]
            if let parent { body["parent_id"] = .string(parent) }
            let response = try await registry.call(.post, "/workspaces", body: .object(body))
            #expect(response.status == 201, "\(response.text)")
            return Racer(
                id: try #require(response.json["id"]?.string),
                token: try #require(response.json["connection"]?["auth_token"]?.string))
        }

        /// Every other beat says wedged, so that the status flips all the time.
        private func beat(_ racer: Racer, _ number: Int, at registry: API) async throws -> Int {
            let state = number % 2 == 0 ? "wedged" : ""
            return try await registry.call(
                .post, "/registry/heartbeat", bearer: racer.token,
                body: ["workspace_id": .string(racer.id), "runtime_state": .string(state)]
            ).status
        }

        /// Deletes the family's parent once all of them are beating; returns when every agent got its 410.
        private func delete(_ family: [Racer], by deleting: API, whileBeatingAt registries: [API]) async throws {
            let (beating, isBeating) = AsyncStream.makeStream(of: Void.self)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for racer in family {
                    for registry in registries {
                        group.addTask { try await beatUntilGone(racer, at: registry) { isBeating.yield() } }
                    }
                }
                var lanes = 0
                for await _ in beating {
                    lanes += 1
                    if lanes == family.count * registries.count { break }
                }
                let response = try await deleting.call(.delete, "/workspaces/\(family[0].id)?confirm=true")
                #expect(response.status == 200, "\(response.text)")
                #expect(response.json["status"]?.string == "removed")
                // Refused at once: no registry may accept a beat that was sent after the response.
                for racer in family {
                    for registry in registries {
                        let status = try await beat(racer, 0, at: registry)
                        #expect(status == 410 || status == 401, "a beat after the deletion got \(status)")
                    }
                }
                try await group.waitForAll()
            }
        }

        private func beatUntilGone(_ racer: Racer, at registry: API, first: () -> Void) async throws {
            let end = ContinuousClock.now + .seconds(30)
            for number in 0... {
                let status = try await beat(racer, number, at: registry)
                if number == 0 { first() }
                if status == 410 || status == 401 { return }
                guard status == 200, ContinuousClock.now < end else {
                    throw TimedOut("the agent of \(racer.id) last got \(status)")
                }
            }
        }

        private func check(_ family: [Racer], on platform: Platform, _ registries: [API]) async throws {
            for racer in family {
                let row = try await platform.postgres.sql(
                    "SELECT status FROM workspaces WHERE id = '\(racer.id)'", database: platform.databaseName)
                #expect(row == "removed")
                // The log's last event of its status; nothing may follow the removal.
                let published = try await platform.postgres.sql(
                    """
                    SELECT type FROM structure_events WHERE workspace_id = '\(racer.id)' AND type LIKE 'workspace.%'
                    ORDER BY sequence DESC LIMIT 1
                    """, database: platform.databaseName)
                #expect(published == "workspace.removed")
                for registry in registries {
                    let again = try await registry.call(
                        .post, "/registry/register", bearer: racer.token,
                        body: ["id": .string(racer.id), "url": "http://8.8.8.8", "agent_card": ["name": "again"]])
                    #expect(again.status == 410 || again.status == 401, "\(again.text)")
                }
            }
        }
    }
}
