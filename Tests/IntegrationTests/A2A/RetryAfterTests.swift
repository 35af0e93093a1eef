import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Synchronization
import Testing
import TestSupport

extension A2AHostilityTests {
    @Suite("Agents that send Retry-After", .serialized)
    struct RetryAfterTests {
        private static let asked = 5

        @Test(
            "An agent is not tried before the time of its Retry-After, whether or not it heartbeats",
            arguments: ["429 Too Many Requests", "503 Unavailable"], [false, true])
        func notBefore(status: String, beats: Bool) async throws {
            try await A2AFleet.with(["A2A_RETRY_SECONDS": "1", "A2A_RETRY_MAX_SECONDS": "1"]) { fleet in
                let clock = ContinuousClock()
                let deliveries = Mutex<[ContinuousClock.Instant]>([])
                let agent = try HostileAgent { peer, _ in
                    let number = deliveries.withLock { deliveries in
                        deliveries.append(clock.now)
                        return deliveries.count
                    }
                    if number > 2 { return peer.respond() }
                    peer.respond("{}", status: status, headers: "Retry-After: \(Self.asked)\r\n")
                }
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                if beats { try await fleet.beat(workspace) }
                let queued = try await fleet.proxies[0].send("x", to: workspace.id)
                #expect(queued.status == 202)
                let id = try #require(queued.json["queue_id"]?.string)
                try await eventually(within: .seconds(60), "the message to arrive") {
                    if beats { try await fleet.beat(workspace) }
                    return try await fleet.item(id).status == "completed"
                }
                let times = deliveries.withLock { $0 }
                #expect(times.count == 3)
                for (earlier, later) in zip(times, times.dropFirst()) {
                    #expect(later - earlier >= .seconds(Self.asked), "\(later - earlier)")
                }
            }
        }

        @Test("A date is as good as seconds")
        func date() async throws {
            try await A2AFleet.with(["A2A_RETRY_SECONDS": "1", "A2A_RETRY_MAX_SECONDS": "1"]) { fleet in
                let agent = try HostileAgent { peer, _ in
                    peer.respond(
                        "{}", status: "503 Unavailable",
                        headers: "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 09:09:37 GMT\r\n"
                    )
                }
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                let queued = try await fleet.proxies[0].send("x", to: workspace.id)
                let id = try #require(queued.json["queue_id"]?.string)
                let wait = try await fleet.fleet.sql(
                    "SELECT extract(epoch FROM available_at - enqueued_at)::int FROM a2a_queue WHERE id = $1::uuid",
                    [id])
                #expect((1199...1201).contains(wait[0].int(0)), "\(wait[0].int(0))")
            }
        }
    }
}
