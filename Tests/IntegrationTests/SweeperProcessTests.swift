import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

extension RegistryProcessTests {
    /// What the sweeper shows to operators, and what they can do about dead messages.
    @Suite("The sweeper's routes", .serialized)
    struct SweeperProcessTests {
        private static let passes = [
            "liveness", "remote-liveness", "leases", "abandoned-items", "unpublished-events", "liveness-trim",
            "retention",
            "dead-letters",
        ]

        @Test("Every pass is in /admin/liveness and in /metrics, whether or not it found anything")
        func everyPass() async throws {
            try await Fleet.with(["sweeper"]) { fleet in
                try await eventually("all ticks") {
                    let all = try await fleet.api.call(.get, "/admin/liveness").json["subsystems"]
                    return Self.passes.allSatisfy { all?[$0]?["last_tick_at"]?.string != nil }
                }
                let all = try await fleet.api.call(.get, "/admin/liveness").json["subsystems"]
                for pass in Self.passes {
                    let tick = all?[pass]
                    #expect((tick?["seconds_ago"]?.int ?? -1) >= 0, "\(pass)")
                    #expect((tick?["duration_ms"]?.int ?? -1) >= 0, "\(pass)")
                    #expect(tick?["last_error"] == .null, "\(pass)")
                }
                let metrics = try await fleet.api.call(.get, "/metrics").text
                for pass in Self.passes {
                    #expect(metrics.contains(#"switchyard_sweep_last_tick_seconds{pass="\#(pass)"}"#), "\(pass)")
                    #expect(metrics.contains(#"switchyard_sweep_failures_total{pass="\#(pass)"}"#), "\(pass)")
                }
            }
        }

        private func addDead(_ fleet: Fleet, type: String, queue: String?, body: String) async throws -> Int {
            try await fleet.sql(
                """
                INSERT INTO dead_messages (message_id, type, exchange, routing_key, queue, reason, headers, body)
                VALUES ($1, $2, 'switchyard.events', $2, $3, 'rejected', '{"own":"kept"}', convert_to($4, 'UTF8')) RETURNING id
                """, [UUID().uuidString, type, queue, body])[0].int(0)
        }

        @Test("Dead messages are listed by pages and filters, shown, and discarded, by operators alone")
        func listing() async throws {
            try await Fleet.with(["sweeper"]) { fleet in
                let api = fleet.api
                var ids: [Int] = []
                for number in 0..<5 {
                    ids.append(
                        try await addDead(
                            fleet, type: number == 2 ? "other" : "a2a.queued", queue: "a2a.drain",
                            body: number == 0 ? "not JSON \u{1}" : #"{"n":1}"#))
                }
                #expect(try await api.call(.get, "/admin/dead-letters", bearer: nil).status == 401)
                let first = try await api.call(.get, "/admin/dead-letters?limit=2")
                #expect(first.json[0]?["id"]?.int == ids[4] && first.json[1]?["id"]?.int == ids[3])
                let cursor = try #require(first.headers["X-Next-Cursor"])
                let second = try await api.call(.get, "/admin/dead-letters?limit=2&cursor=\(cursor)")
                #expect(second.json[0]?["id"]?.int == ids[2])
                let others = try await api.call(.get, "/admin/dead-letters?type=other&queue=a2a.drain")
                #expect(others.json[0]?["id"]?.int == ids[2] && others.json[1] == nil)
                #expect(others.headers["X-Next-Cursor"] == nil)
                for bad in ["limit=0", "limit=1001", "cursor=x"] {
                    #expect(try await api.call(.get, "/admin/dead-letters?\(bad)").status == 400, "\(bad)")
                }
                let json = try await api.call(.get, "/admin/dead-letters/\(ids[4])").json
                #expect(json["body"]?.string == #"{"n":1}"# && json["body_base64"] == .null)
                #expect(json["headers"]?["own"]?.string == "kept" && json["message"]?["queue"]?.string == "a2a.drain")
                let bytes = try await api.call(.get, "/admin/dead-letters/\(ids[0])").json
                #expect(bytes["body"] == .null)
                #expect(bytes["body_base64"]?.string == Data("not JSON \u{1}".utf8).base64EncodedString())
                #expect(try await api.call(.get, "/admin/dead-letters/x").status == 400)
                #expect(try await api.call(.get, "/admin/dead-letters/999999").status == 404)
                #expect(try await api.call(.delete, "/admin/dead-letters/\(ids[0])").status == 200)
                #expect(try await api.call(.delete, "/admin/dead-letters/\(ids[0])").status == 404)
                #expect(try await api.call(.delete, "/admin/dead-letters").json["field"]?.string == "queue")
                let discarded = try await api.call(.delete, "/admin/dead-letters?type=a2a.queued&limit=2").json
                #expect(discarded["discarded"]?.int == 2 && discarded["is_complete"]?.bool == false)
                #expect(try await fleet.sql("SELECT count(*) FROM dead_messages")[0].int(0) == 2)
            }
        }

        @Test("A replay goes to the queue alone; what dies again is another message; without a queue 409, a broker 503")
        func replaying() async throws {
            let rabbit = try await RabbitServer.start()
            let result: Result<Void, any Error>
            do { result = .success(try await replay(rabbit)) } catch { result = .failure(error) }
            await rabbit.kill()
            try result.get()
        }

        private func replay(_ rabbit: RabbitServer) async throws {
            try await Fleet.with(["sweeper", "a2a-proxy"], environment: ["AMQP_URL": rabbit.url]) { fleet in
                let api = fleet.api
                let bad = try await addDead(fleet, type: "a2a.queued", queue: "a2a.drain", body: "no event")
                let response = try await api.call(.post, "/admin/dead-letters/\(bad)/replay")
                #expect(response.status == 200 && response.json["replay_count"]?.int == 1)
                let again = "SELECT id FROM dead_messages WHERE id > $1 AND reason = 'rejected' AND queue = 'a2a.drain'"
                try await eventually("its next death") { try await fleet.sql(again, [bad]).count == 1 }
                #expect(try await api.call(.post, "/admin/dead-letters/\(bad)/replay").json["replay_count"]?.int == 2)
                try await eventually("one more") { try await fleet.sql(again, [bad]).count == 2 }
                let event =
                    #"{"specversion":"1.0","id":"6f1d2c3b-4a59-4e68-8f7a-0b1c2d3e4f50","source":"s","type":"good""#
                    + #","time":"2026-01-01T00:00:00Z","data":{}}"#
                for _ in 0..<3 { _ = try await addDead(fleet, type: "good", queue: "a2a.drain", body: event) }
                let none = try await addDead(fleet, type: "good", queue: "gone", body: event)
                let withoutQueue = try await addDead(fleet, type: "lost", queue: nil, body: event)
                for id in [none, withoutQueue] {
                    let refused = try await api.call(.post, "/admin/dead-letters/\(id)/replay")
                    #expect(refused.status == 409 && refused.json["reason"]?.string != nil)
                }
                let all = try await api.call(.post, "/admin/dead-letters/replay?type=good").json
                #expect(all["replayed"]?.int == 3 && all["undeliverable"]?.int == 1 && all["is_complete"]?.bool == true)
                let waiting = "SELECT count(*) FROM dead_messages WHERE type = 'good' AND replayed_at IS NULL"
                #expect(try await fleet.sql(waiting)[0].int(0) == 1)
                await rabbit.kill()
                try await eventually("503") {
                    try await api.call(.post, "/admin/dead-letters/\(bad)/replay", within: .seconds(60)).status == 503
                }
                #expect(try await api.call(.get, "/admin/dead-letters").status == 200)
            }
        }
    }
}
