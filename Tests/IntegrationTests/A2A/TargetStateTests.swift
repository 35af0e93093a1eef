import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

extension A2AHostilityTests {
    @Suite("Targets that are not simply online", .serialized)
    struct TargetStateTests {
        @Test("Each status of a target has its response, and only those that can be called are called")
        func statuses() async throws {
            try await A2AFleet.with { fleet in
                let agent = try WorkingAgent()
                defer { agent.stop() }
                let cases: [(status: String, response: Int, member: String, value: JSONValue?)] = [
                    ("online", 200, "error", nil), ("degraded", 200, "error", nil), ("offline", 200, "error", nil),
                    ("paused", 503, "status", "paused"), ("hibernated", 503, "waking", true),
                    ("hibernating", 503, "waking", true), ("removed", 404, "error", "workspace not found"),
                ]
                for expected in cases {
                    let target = try await fleet.workspace(agent.url)
                    try await fleet.fleet.sql(
                        "UPDATE workspaces SET status = $2 WHERE id = $1::uuid", [target.id, expected.status])
                    let response = try await fleet.proxies[0].send("x", to: target.id, id: expected.status)
                    let shown = "\(expected.status): \(response.status) \(response.text)"
                    #expect(response.status == expected.response, "\(shown)")
                    #expect(response.json[expected.member] == expected.value, "\(shown)")
                    #expect(agent.done.contains(expected.status) == (expected.response == 200), "\(shown)")
                    if expected.value == true {
                        #expect(response.headers["retry-after"] == "15", "\(shown)")
                        #expect(response.json["retry_after"]?.int == 15, "\(shown)")
                    }
                }
                let unborn = try await fleet.fleet.create()
                let response = try await fleet.proxies[0].send("x", to: unborn.id)
                #expect(response.status == 503)
                #expect(response.json["error"]?.string == "workspace has no URL")
                #expect(response.json["status"]?.string == "awaiting_agent")
            }
        }

        @Test(
            "A delegation to a workspace that sleeps or starts waits for it", arguments: ["hibernated", "provisioning"])
        func delegationWaits(status: String) async throws {
            try await A2AFleet.with { fleet in
                let agent = try WorkingAgent()
                defer { agent.stop() }
                let source = try await fleet.workspace(agent.url)
                let target = try await fleet.workspace(agent.url)
                try await fleet.fleet.sql(
                    "UPDATE workspaces SET status = $2 WHERE id = $1::uuid", [target.id, status])
                let response = try await fleet.proxies[0].call(
                    .post, "/workspaces/\(source.id)/delegate", bearer: source.token,
                    body: ["target_id": .string(target.id), "task": "when you wake"])
                #expect(response.status == 202, "\(response.text)")
                let id = try #require(response.json["delegation_id"]?.string)
                #expect(agent.done.isEmpty)
                let status = try await fleet.fleet.sql("SELECT status FROM workspaces WHERE id = $1::uuid", [target.id])
                #expect(status[0].string(0) == "provisioning")
                // Awake, it registers and beats.
                try await fleet.move(target, to: agent.url)
                try await eventually("the delegation to arrive") {
                    try await fleet.beat(target)
                    return agent.done.contains(id)
                }
            }
        }

        @Test("A delegation whose target cannot be woken at once is accepted, and wakes it later")
        func delegationWakesLater() async throws {
            try await A2AFleet.with { fleet in
                let agent = try WorkingAgent()
                defer { agent.stop() }
                let source = try await fleet.workspace(agent.url)
                let target = try await fleet.workspace(agent.url)
                try await fleet.fleet.sql(
                    "UPDATE workspaces SET status = 'hibernated' WHERE id = $1::uuid", [target.id])
                let obstacle =
                    "ALTER TABLE workspaces ADD CONSTRAINT obstacle CHECK (status <> 'provisioning') NOT VALID"
                try await fleet.fleet.sql(obstacle)
                let response = try await fleet.proxies[0].call(
                    .post, "/workspaces/\(source.id)/delegate", bearer: source.token,
                    body: ["target_id": .string(target.id), "task": "when you wake"])
                #expect(response.status == 202, "\(response.text)")
                try await eventually("the delegation to be listed") {
                    try await fleet.fleet.sql(
                        """
                        SELECT EXISTS (SELECT FROM event_outbox WHERE event_outbox.sequence = e.sequence)
                        FROM structure_events e WHERE type = 'delegation.sent'
                        """
                    ).first?.bool(0) == false
                }
                try await fleet.fleet.sql("ALTER TABLE workspaces DROP CONSTRAINT obstacle")
                try await eventually("the target to be woken") {
                    try await fleet.fleet.sql("SELECT status FROM workspaces WHERE id = $1::uuid", [target.id])[0]
                        .string(0) == "provisioning"
                }
            }
        }

        @Test("A workspace over its budget gets nothing")
        func budget() async throws {
            try await A2AFleet.with { fleet in
                let agent = try WorkingAgent()
                defer { agent.stop() }
                let target = try await fleet.workspace(agent.url)
                try await fleet.fleet.sql(
                    "UPDATE workspaces SET budget_limit = 10, monthly_spend = 10 WHERE id = $1::uuid", [target.id])
                let response = try await fleet.proxies[0].send("x", to: target.id)
                #expect(response.status == 402)
                #expect(response.json["error"]?.string == "workspace budget limit exceeded")
                #expect(agent.done.isEmpty)
            }
        }

        @Test("A target with a queue of its own is reported as busy, and nothing is queued for it")
        func nativeSession() async throws {
            try await A2AFleet.with { fleet in
                let agent = try WorkingAgent()
                defer { agent.stop() }
                agent.isBusy = true
                let target = try await fleet.workspace(agent.url)
                try await fleet.beat(target, metadata: ["capabilities": ["session": true]])
                let response = try await fleet.proxies[0].send("x", to: target.id)
                #expect(response.status == 503, "\(response.text)")
                #expect(response.headers["retry-after"] == "30")
                #expect(response.json["busy"]?.bool == true)
                #expect(response.json["retry_after"]?.int == 30)
                #expect(response.json["native_session"]?.bool == true)
                let queue = try await fleet.proxies[0].call(.get, "/workspaces/\(target.id)/queue")
                #expect(queue.json.array?.isEmpty == true, "\(queue.text)")
            }
        }

        @Test("What is forwarded goes to the end of the chain")
        func forwarded() async throws {
            try await A2AFleet.with { fleet in
                let agent = try WorkingAgent()
                defer { agent.stop() }
                let place = try await fleet.workspace(agent.url)
                let middle = try await fleet.fleet.create()
                let first = try await fleet.fleet.create()
                for (from, to) in [(first.id, middle.id), (middle.id, place.id)] {
                    try await fleet.fleet.sql(
                        "UPDATE workspaces SET forwarded_to = $2::uuid WHERE id = $1::uuid", [from, to])
                }
                let response = try await fleet.proxies[0].send("x", to: first.id, id: "forwarded")
                #expect(response.status == 200, "\(response.text)")
                #expect(agent.done == ["forwarded"])
            }
        }

        @Test("An address that must not be called is not called, whatever it was when it was registered")
        func unsafeAddress() async throws {
            let settings = ["MOLECULE_ENV": "production", "SECRETS_ENCRYPTION_KEY": String(repeating: "0", count: 32)]
            try await A2AFleet.with(settings) { fleet in
                let agent = try WorkingAgent()
                defer { agent.stop() }
                let target = try await fleet.fleet.create()
                for url in [agent.url, "http://169.254.169.254/", "http://10.0.0.7:8000/", "ftp://example.com/"] {
                    try await fleet.fleet.sql(
                        "UPDATE workspaces SET url = $2, status = 'online' WHERE id = $1::uuid", [target.id, url])
                    try await eventually("the proxy to know of \(url)") {
                        let response = try await fleet.proxies[0].send("x", to: target.id)
                        #expect([502, 503].contains(response.status), "\(response.text)")
                        return response.json["error"] == "workspace URL is not publicly routable"
                    }
                }
                #expect(agent.done.isEmpty)
            }
        }

        @Test("A busy agent's message that cannot be stored is refused, and its sender gets a Retry-After")
        func notStored() async throws {
            try await A2AFleet.with { fleet in
                let agent = try WorkingAgent()
                defer { agent.stop() }
                let target = try await fleet.workspace(agent.url)
                agent.isBusy = true
                try await fleet.fleet.sql("ALTER TABLE a2a_queue ADD CHECK (body = '') NOT VALID")
                let response = try await fleet.proxies[0].send("y", to: target.id)
                #expect(response.status == 503, "\(response.text)")
                #expect(response.json["error"] == "workspace agent is busy and the message could not be stored")
                #expect(response.json["busy"] == true)
                #expect(response.json["retry_after"] == 30)
                #expect(response.headers["retry-after"] == "30")
            }
        }
    }
}
