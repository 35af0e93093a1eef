import Concurrency
import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport
import UVHTTPServer

/// Messages to a workspace whose container is dead: the platform notices, has it restarted, and says so.
@Suite("A container found dead by a message", .serialized)
struct DeadContainerTests {
    /// Two registries, two proxies, a workspace whose machine is at `agent`'s address, and one that delegates to it.
    private func with(
        _ body: (Machines, _ id: String, ScriptedAgent, _ source: (id: String, token: String)) async throws -> Void
    ) async throws {
        let settings = ["A2A_DELEGATION_RETRY_SECONDS": "1", "A2A_CONNECT_TIMEOUT_SECONDS": "3"]
        try await Machines.with(["a2a-proxy", "a2a-proxy"], environment: settings) { machines in
            let agent = try await ScriptedAgent.start()
            var failure: (any Error)?
            do {
                let (id, token) = try await machines.started()
                try await machines.fleet.sql(
                    "UPDATE workspaces SET url = $2 WHERE id = $1::uuid", [id, agent.url])
                #expect(try await machines.beat(id, token) == 200)
                try await body(machines, id, agent, try await machines.fleet.create())
            } catch { failure = error }
            await agent.stop()
            if let failure { throw failure }
        }
    }

    /// The next machine listens at an address.
    private func restarts(_ machines: Machines, at url: String) {
        machines.plane.respond { _ in .json(.ok) { $0.member("url", url) } }
    }

    private func delegate(_ machines: Machines, _ source: (id: String, token: String), _ id: String) async throws
        -> String
    {
        let made = try await machines.fleet.apis[2].call(
            .post, "/workspaces/\(source.id)/delegate", bearer: source.token,
            body: ["target_id": .string(id), "task": "work"])
        #expect(made.status == 202, "\(made.text)")
        return try #require(made.json["delegation_id"]?.string)
    }

    private func delegation(_ machines: Machines, _ source: (id: String, token: String), _ id: String) async throws
        -> JSONValue
    {
        try await machines.fleet.apis[3].call(
            .get, "/workspaces/\(source.id)/delegations/\(id)", bearer: source.token
        ).json
    }

    /// As its agent does when its new container has started.
    private func joins(_ machines: Machines, _ id: String, at url: String) async throws {
        try await eventually("the new address") { try await machines.workspace(id)["url"]?.string == url }
        try await machines.fleet.sql(
            "UPDATE workspaces SET status = 'online' WHERE id = $1::uuid AND status = 'provisioning'", [id])
    }

    @Test("A delegation is tried once more, and delivered by the next container")
    func restarted() async throws {
        try await with { machines, id, agent, source in
            await agent.stop()
            let heir = try await ScriptedAgent.start()
            restarts(machines, at: heir.url)
            let starts = machines.starts
            let delegation = try await delegate(machines, source, id)
            try await eventually("the restart to be asked for") { machines.starts > starts }
            #expect(try await machines.fleet.events(of: id).contains("workspace.offline"))
            try await joins(machines, id, at: heir.url)
            try await eventually("the delegation to be delivered") {
                try await self.delegation(machines, source, delegation)["status"] == "completed"
            }
            #expect(heir.deliveries.map(\.messageID) == [delegation])
            #expect(machines.starts == starts + 1)
            let tries = try await machines.fleet.sql(
                "SELECT d.first_attempts, q.attempts FROM delegations d JOIN a2a_queue q ON q.id = d.queue_id")
            #expect(tries[0].int(0) == 1 && tries[0].int(1) == 0)
            await heir.stop()
        }
    }

    @Test("A delegation whose target dies again fails after the second first dispatch")
    func twice() async throws {
        try await with { machines, id, agent, source in
            await agent.stop()
            let nowhere = "http://localhost:\(try Ports.free())/"
            restarts(machines, at: nowhere)
            let delegation = try await delegate(machines, source, id)
            try await joins(machines, id, at: nowhere)
            try await eventually("the delegation to fail") {
                try await self.delegation(machines, source, delegation)["status"] == "failed"
            }
            let failed = try await self.delegation(machines, source, delegation)
            #expect(failed["error"] == "failed to reach workspace agent")
            let row = try await machines.fleet.sql(
                """
                SELECT d.first_attempts, q.claim_number, extract(epoch FROM q.completed_at - q.enqueued_at)::float8
                FROM delegations d JOIN a2a_queue q ON q.id = d.queue_id
                """)
            #expect(row[0].int(0) == 2 && row[0].int(1) == 2)
            #expect(row[0].double(2) >= 1, "the wait between the two")
        }
    }

    private static func sentence(_ sentence: String) -> @Sendable (API.ReceivedResponse) -> Bool {
        { $0.json["error"]?.string == sentence }
    }

    @Test("Callers that find the container dead get the response that it restarts; it is marked and restarted once")
    func direct() async throws {
        try await with { machines, id, agent, _ in
            await agent.stop()
            let gate = Gate()
            machines.plane.respond { _ in
                await gate.wait()
                return .json(.ok) { $0.member("url", "http://10.0.0.7:8000/again") }
            }
            let starts = machines.starts
            let responses = try await withThrowingTaskGroup(of: API.ReceivedResponse.self) { group in
                for index in 0..<6 {
                    group.addTask { try await machines.fleet.apis[2 + index % 2].message("hello", to: id) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            // Callers that come once the restart is in progress find a workspace without an address.
            let (restarting, late) = (
                Self.sentence("workspace agent is restarting"), Self.sentence("workspace has no URL")
            )
            #expect(
                responses.allSatisfy { $0.status == 503 && (restarting($0) || late($0)) }, "\(responses.map(\.text))")
            #expect(responses.contains(where: restarting))
            for response in responses where restarting(response) {
                #expect(response.json["restarting"] == true)
                #expect(response.headers["retry-after"] == "15")
                #expect(response.json["retry_after"] == 15)
            }
            #expect(try await machines.status(id) != "online")
            #expect(try await machines.fleet.events(of: id).count { $0 == "workspace.offline" } == 1)
            try await eventually("the restart to be asked for") { machines.starts > starts }
            gate.open()
            try await eventually("the new address") {
                try await machines.workspace(id)["url"]?.string == "http://10.0.0.7:8000/again"
            }
            #expect(machines.starts == starts + 1)
        }
    }
}
