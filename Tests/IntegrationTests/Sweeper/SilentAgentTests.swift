import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

/// Agents that fall silent, and come back.
@Suite("Silent agents", .serialized)
struct SilentAgentTests {
    private func reason(_ fleet: Fleet, _ id: String) async throws -> [String] {
        try await fleet.sql(
            """
            SELECT data->>'reason' FROM structure_events
            WHERE workspace_id = $1::uuid AND type = 'workspace.offline' ORDER BY sequence
            """, [id]
        ).map { $0.string(0) }
    }

    @Test("A container whose agent beats no more is offline and started anew; the new agent brings it back")
    func container() async throws {
        try await ContainerFleet.with(["registry"], environment: ["LIVENESS_TTL_SECONDS": "4"]) { containers in
            let fleet = containers.fleet
            let id = try await containers.create()
            let first = try #require(try await containers.container(id))
            #expect(try await containers.beat(id) == 200)
            #expect(try await containers.status(id) == "online")
            let sweepers = [try await fleet.launch("sweeper"), try await fleet.launch("sweeper")]
            try await eventually("it to be offline") { try await !reason(fleet, id).isEmpty }
            try await eventually("another container") {
                let now = try await containers.container(id)
                return now != nil && now != first
            }
            // It may be silent for longer than 4 s until the test comes to this.
            try await eventually("its heartbeat") { try await containers.beat(id) == 200 }
            try await eventually("it to be online") { try await fleet.events(of: id).last == "workspace.online" }
            for sweeper in sweepers { await sweeper.kill9() }
            #expect(try await reason(fleet, id).allSatisfy { $0 == "no sign of life" })
        }
    }

    @Test("An external agent that goes is offline, and online with its next heartbeat; two sweepers say so once")
    func external() async throws {
        try await Fleet.with(["registry"], environment: ["REMOTE_LIVENESS_STALE_AFTER": "5"]) { fleet in
            let (id, token) = try await fleet.create(["url": "http://8.8.8.8"])
            func beat() async throws {
                let body: JSONValue = ["workspace_id": .string(id)]
                let response = try await fleet.api.call(.post, "/registry/heartbeat", bearer: token, body: body)
                #expect(response.status == 200)
            }
            try await beat()
            let sweepers = [try await fleet.launch("sweeper"), try await fleet.launch("sweeper")]
            try await eventually("it to be offline") { try await fleet.api.status(of: id) == "offline" }
            #expect(try await reason(fleet, id) == ["no sign of life"])
            let jobs = try await fleet.sql("SELECT count(*) FROM lifecycle_jobs")
            #expect(jobs[0].int(0) == 0, "what is not ours is not started")
            try await beat()
            #expect(try await fleet.events(of: id).suffix(2) == ["workspace.offline", "workspace.online"])
            for sweeper in sweepers { await sweeper.kill9() }
        }
    }

    @Test("A fleet that falls silent as a whole is held; an operator has it released, and is named")
    func releasedByHand() async throws {
        try await Fleet.with(
            ["registry", "sweeper"], environment: ["REMOTE_LIVENESS_STALE_AFTER": "5"]
        ) { fleet in
            let sweeper = fleet.apis[1]
            try await fleet.sql(
                """
                WITH w AS (
                    INSERT INTO workspaces (id, name, status, external, status_changed_at)
                    SELECT gen_random_uuid(), 'w', 'online', true, now() - interval '1 hour' FROM generate_series(1, 12)
                    RETURNING id
                )
                INSERT INTO workspace_vitals (workspace_id, last_heartbeat_at)
                SELECT id, now() - interval '1 hour' FROM w
                """)
            func guarding() async throws -> JSONValue {
                try await sweeper.call(.get, "/admin/sweeps/guard").json["remote"] ?? .null
            }
            try await eventually("it to be held") { try await guarding()["held_since"]?.string != nil }
            let held = try await guarding()
            #expect(held["held"] == true && held["reason"] == "no_heartbeats")
            #expect(held["silent"] == 12 && held["late"] == 12 && held["running"] == 12 && held["allowance"] == 1)
            #expect(held["grace_until"] == .null && held["released_by"] == .null)
            #expect(
                try await sweeper.call(.get, "/metrics").text.contains(#"switchyard_sweep_guard{scope="remote"} 1"#))
            let others = try await sweeper.call(.get, "/admin/sweeps/guard").json["ours"]
            #expect(others?["held"] == false)

            #expect(try await sweeper.call(.post, "/admin/sweeps/guard/release", bearer: nil).status == 401)
            let bad = try await sweeper.call(.post, "/admin/sweeps/guard/release", body: ["scope": "all"])
            #expect(bad.status == 400 && bad.json["field"] == "scope", "\(bad.text)")
            let none = try await sweeper.call(.post, "/admin/sweeps/guard/release", body: ["scope": "ours"])
            #expect(none.text == #"{"scope":"ours","released":0}"#)
            let done = try await sweeper.call(.post, "/admin/sweeps/guard/release", body: ["scope": "remote"])
            #expect(done.status == 200 && done.text == #"{"scope":"remote","released":12}"#)
            try await eventually("them to be offline") {
                try await fleet.sql("SELECT count(*) FROM workspaces WHERE status = 'offline'")[0].int(0) == 12
            }
            let published = try await fleet.sql(
                """
                SELECT type, data->>'scope', data->>'by', data->>'reason' FROM structure_events
                WHERE type LIKE 'sweep.%' ORDER BY sequence
                """)
            #expect(published[0].string(0) == "sweep.held" && published[0].string(3) == "no_heartbeats")
            #expect(published[1].string(0) == "sweep.released" && published[1].string(1) == "remote")
            #expect(published[1].string(2) == "admin")
            let log = fleet.services[1].output
            #expect(log.ranges(of: "holding back").count <= 2, "said at changes: of grace, then of silence")
        }
    }
}
