import Concurrency
import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

/// Idle workspaces sleep until a message needs them.
@Suite("Hibernation over HTTP", .serialized)
struct HibernationProcessTests {
    private func makeIdle(_ id: String, _ fleet: Fleet) async throws {
        try await fleet.sql(
            """
            UPDATE workspace_vitals SET active_tasks_changed_at = now() - interval '2 minutes',
                last_inbound_at = now() - interval '2 minutes', last_outbound_at = NULL WHERE workspace_id = $1::uuid
            """, [id])
        try await fleet.sql(
            "UPDATE workspaces SET status_changed_at = now() - interval '2 minutes' WHERE id = $1::uuid", [id])
    }

    @Test("Idle, hibernated once by two sweepers, woken by a message that was queued, which is delivered")
    func wholeWay() async throws {
        try await ContainerFleet.with(["registry", "a2a-proxy"]) { containers in
            let fleet = containers.fleet
            let id = try await containers.create(["hibernation_idle_minutes": 1])
            #expect(try await containers.beat(id) == 200)
            try await containers.reaching(id) {
                let response = try await fleet.apis[1].message("before", to: id)
                #expect(response.status == 200, "\(response.text)")
            }
            #expect(try await containers.received(id).contains("before"))
            try await makeIdle(id, fleet)
            let sweepers = [try await fleet.launch("sweeper"), try await fleet.launch("sweeper")]
            try await eventually("it to sleep") { try await containers.status(id) == "hibernated" }
            #expect(try await containers.container(id) == nil)
            #expect(try await fleet.events(of: id).count { $0 == "workspace.hibernated" } == 1)

            // As a schedule stores it.
            try await fleet.sql(
                "INSERT INTO a2a_queue (workspace_id, body) VALUES ($1::uuid, $2)",
                [
                    id,
                    #"{"jsonrpc":"2.0","id":"1","method":"message/send","params":{"message":{"role":"user","#
                        + #""messageId":"m","parts":[{"kind":"text","text":"wake up"}]}}}"#,
                ])
            try await eventually("it to be woken") { try await containers.container(id) != nil }
            try await containers.reaching(id) {
                #expect(try await containers.beat(id) == 200)
                try await eventually("the message to be delivered") {
                    try await containers.received(id).contains("wake up")
                }
                try await eventually("the item to be completed") {
                    try await fleet.sql("SELECT status FROM a2a_queue")[0].string(0) == "completed"
                }
            }
            #expect(try await containers.status(id) == "online")
            for sweeper in sweepers { await sweeper.kill9() }
        }
    }

    @Test("A call that goes on keeps both of its ends awake")
    func longCall() async throws {
        try await Fleet.with(["registry", "a2a-proxy"]) { fleet in
            try await fleet.withAgents(2, registry: fleet.api) { agents in
                let (source, target) = (agents[0], agents[1])
                let gate = Gate()
                target.does { _ in
                    await gate.wait()
                    return ScriptedAgent.reply("done")
                }
                async let response = fleet.apis[1].message(
                    "work", to: target.id, from: source.caller, within: .seconds(150))
                func isNoted() async throws -> Bool {
                    let rows = try await fleet.sql(
                        """
                        SELECT count(*) FROM workspace_vitals WHERE workspace_id = $1::uuid AND last_inbound_at IS NOT NULL
                            OR workspace_id = $2::uuid AND last_outbound_at IS NOT NULL
                        """, [target.id, source.id])
                    return rows[0].int(0) == 2
                }
                try await eventually("the call to be noted") { try await isNoted() }
                try await fleet.sql("UPDATE workspace_vitals SET last_inbound_at = NULL, last_outbound_at = NULL")
                try await eventually("it to be noted again while it goes on") { try await isNoted() }
                gate.open()
                #expect(try await response.status == 200)
            }
        }
    }
}
