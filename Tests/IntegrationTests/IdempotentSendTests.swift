import Concurrency
import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport
import UVHTTPServer

/// `Idempotency-Key`: one outcome for the same send, on whichever instance it arrives.
@Suite("Idempotent sends", .serialized)
struct IdempotentSendTests {
    private static let names = ["a2a-proxy", "a2a-proxy", "registry"]

    private func send(
        _ api: API, to agent: ScriptedAgent, _ text: String, key: String,
        from caller: (id: String, token: String)? = nil
    ) async throws -> API.ReceivedResponse {
        var headers: HTTPHeaders = ["Idempotency-Key": key]
        if let caller { headers.add("X-Workspace-ID", caller.id) }
        return try await api.call(
            .post, "/workspaces/\(agent.id)/a2a", bearer: caller?.token ?? Platform.adminToken,
            body: [
                "jsonrpc": "2.0", "id": 1, "method": "message/send",
                "params": [
                    "message": ["role": "user", "parts": [["kind": "text", "text": .string(text)]]]
                ],
            ], headers: headers)
    }

    /// Whether the only send has no outcome and does not run.
    private func isFree(_ fleet: Fleet) async throws -> Bool {
        try await fleet.sql(
            "SELECT status = 'running' AND lease_owner IS NULL AND lease_until <= now() FROM idempotent_sends")[0].bool(
                0)
    }

    private func with(_ body: (Fleet, [ScriptedAgent]) async throws -> Void) async throws {
        try await Fleet.with(Self.names) { fleet in
            try await fleet.withAgents(2, registry: fleet.apis[2]) { try await body(fleet, $0) }
        }
    }

    @Test("The same send gets the stored outcome from any instance; other callers, targets and bodies do not")
    func replays() async throws {
        try await with { fleet, agents in
            let (agent, other) = (agents[0], agents[1])
            let first = try await send(fleet.apis[0], to: agent, "one", key: "k")
            #expect(first.status == 200)
            #expect(first.headers["idempotency-replayed"] == nil)
            for api in fleet.apis[..<2] {
                let again = try await send(api, to: agent, "one", key: "k")
                #expect(again.status == 200)
                #expect(again.headers["idempotency-replayed"] == "true")
                #expect(again.headers["content-type"] == "application/json")
                #expect(again.bytes == first.bytes)
            }
            #expect(agent.deliveries.count == 1)

            let changed = try await send(fleet.apis[1], to: agent, "two", key: "k")
            #expect(changed.status == 409)
            #expect(changed.headers["retry-after"] == nil)
            let byAgent = try await send(fleet.apis[0], to: agent, "one", key: "k", from: other.caller)
            #expect(byAgent.headers["idempotency-replayed"] == nil)
            #expect(try await send(fleet.apis[0], to: other, "one", key: "k").status == 200)
            #expect(agent.deliveries.count == 2)
            #expect(other.deliveries.count == 1)

            // A day later the key is free.
            try await fleet.sql("UPDATE idempotent_sends SET expires_at = now() - interval '1 second'")
            #expect(try await send(fleet.apis[1], to: agent, "two", key: "k").status == 200)
            #expect(agent.deliveries.last?.text == "two")
        }
    }

    @Test("While the first runs, the same send gets a Retry-After")
    func running() async throws {
        try await with { fleet, agents in
            let agent = agents[0]
            let gate = Gate()
            agent.does { delivery in
                await gate.wait()
                return ScriptedAgent.reply("done: \(delivery.text)")
            }
            async let first = send(fleet.apis[0], to: agent, "slow", key: "k")
            try await eventually("the agent to get it") { agent.deliveries.count == 1 }
            for api in fleet.apis[..<2] {
                let again = try await send(api, to: agent, "slow", key: "k")
                #expect(again.status == 409)
                #expect((again.headers["retry-after"].flatMap { Int($0) } ?? 0) > 0)
            }
            gate.open()
            #expect(try await first.status == 200)
            let replayed = try await send(fleet.apis[1], to: agent, "slow", key: "k")
            #expect(replayed.headers["idempotency-replayed"] == "true")
            #expect(agent.deliveries.count == 1)
        }
    }

    @Test("A send whose instance died is taken over once its lease has run out")
    func takenOver() async throws {
        try await with { fleet, agents in
            let agent = agents[0]
            let gate = Gate()
            agent.does { _ in
                await gate.wait()
                return ScriptedAgent.reply("never read")
            }
            let interrupted = Task { try await send(fleet.apis[0], to: agent, "slow", key: "k") }
            try await eventually("the agent to get it") { agent.deliveries.count == 1 }
            await fleet.services[0].kill9()
            _ = try? await interrupted.value
            gate.open()
            agent.does(ScriptedAgent.echo)
            #expect(try await send(fleet.apis[1], to: agent, "slow", key: "k").status == 409)
            try await fleet.sql("UPDATE idempotent_sends SET lease_until = now() WHERE status = 'running'")
            let response = try await send(fleet.apis[1], to: agent, "slow", key: "k")
            #expect(response.status == 200)
            #expect(response.headers["idempotency-replayed"] == nil)
            #expect(agent.deliveries.count == 2)
            #expect(agent.deliveries.map { $0.headers["x-delivery-attempt"] } == [nil, "2"])
            #expect(Set(agent.deliveries.map(\.messageID)).count == 1, "the id that the platform made is kept")
        }
    }

    @Test("Operators are callers of their own: each token, the admin token, and callers without one")
    func operators() async throws {
        try await with { fleet, agents in
            let agent = agents[0]
            var bearers: [String?] = [Platform.adminToken, nil, agents[1].caller.token]
            for name in ["one", "two"] {
                let issued = try await fleet.apis[2].call(.post, "/org/tokens", body: ["name": .string(name)])
                bearers.append(try #require(issued.json["auth_token"]?.string ?? issued.json["token"]?.string))
            }
            func send(_ bearer: String?, _ text: String) async throws -> API.ReceivedResponse {
                try await fleet.apis[0].call(
                    .post, "/workspaces/\(agent.id)/a2a", bearer: bearer,
                    body: ["method": "message/send", "params": ["message": ["parts": [["text": .string(text)]]]]],
                    headers: ["Idempotency-Key": "k"])
            }
            for (number, bearer) in bearers.enumerated() {
                let response = try await send(bearer, "\(number)")
                #expect(response.status == 200 && response.headers["idempotency-replayed"] == nil, "\(number)")
                #expect(try await send(bearer, "\(number)").headers["idempotency-replayed"] == "true", "\(number)")
            }
            #expect(agent.deliveries.map(\.text) == ["0", "1", "2", "3", "4"])
        }
    }

    @Test("The agent's response is an outcome, and so is waiting; what never reached it is none")
    func outcomes() async throws {
        try await with { fleet, agents in
            let agent = agents[0]
            agent.does { _ in
                Response(422, body: .bytes(Array(#"{"error":"no such skill"}"#.utf8)))
            }
            let refused = try await send(fleet.apis[0], to: agent, "x", key: "error")
            #expect(refused.status == 422)
            #expect(refused.json["error"] == "no such skill")
            agent.does(ScriptedAgent.busy)
            let replayed = try await send(fleet.apis[1], to: agent, "x", key: "error")
            #expect(replayed.status == 422)
            #expect(replayed.bytes == refused.bytes)
            #expect(replayed.headers["idempotency-replayed"] == "true")

            let queued = try await send(fleet.apis[0], to: agent, "x", key: "busy")
            #expect(queued.status == 202)
            let again = try await send(fleet.apis[1], to: agent, "x", key: "busy")
            #expect(again.status == 202)
            #expect(again.json["queue_id"] == queued.json["queue_id"])
            #expect(try await fleet.sql("SELECT count(*) FROM a2a_queue")[0].int(0) == 1)

            let gone = agents[1]
            await gone.stop()
            for _ in 0..<2 {
                let unreachable = try await send(fleet.apis[0], to: gone, "x", key: "gone")
                #expect(unreachable.status == 502)
                #expect(unreachable.headers["idempotency-replayed"] == nil)
            }
            let long = try await send(fleet.apis[0], to: agent, "x", key: String(repeating: "k", count: 256))
            #expect(long.status == 400)
        }
    }

    @Test("A stream is not kept: the same send is a new one")
    func streams() async throws {
        try await with { fleet, agents in
            let agent = agents[0]
            agent.does { delivery in
                Response(
                    .ok, headers: ["Content-Type": "text/event-stream"],
                    body: .bytes(Array("data: {\"result\":\"\(delivery.text)\"}\n\n".utf8)))
            }
            for api in fleet.apis[..<2] {
                let response = try await send(api, to: agent, "events", key: "stream")
                #expect(response.isEventStream)
                #expect(response.event["result"] == "events")
                #expect(response.headers["idempotency-replayed"] == nil)
                try await eventually("the key to be free") { try await isFree(fleet) }
            }
            #expect(agent.deliveries.count == 2)
            // The second says that it is perhaps a repetition.
            #expect(agent.deliveries.map { $0.headers["x-delivery-attempt"] } == [nil, "2"])
        }
    }

    @Test("An abandoned send is not taken over with another body")
    func notTakenOverWithAnotherBody() async throws {
        try await with { fleet, agents in
            let agent = agents[0]
            #expect(try await send(fleet.apis[0], to: agent, "one", key: "k").status == 200)
            try await fleet.sql("UPDATE idempotent_sends SET status = 'running', lease_until = now()")
            #expect(try await send(fleet.apis[1], to: agent, "two", key: "k").status == 409)
            #expect(try await send(fleet.apis[1], to: agent, "one", key: "k").status == 200)
            #expect(agent.deliveries.map(\.text) == ["one", "one"])
        }
    }

    @Test("Large responses, and those that are no text, are outcomes as well")
    func anyResponse() async throws {
        try await with { fleet, agents in
            let agent = agents[0]
            for (key, body) in [
                ("large", [UInt8](repeating: 0x78, count: 3 << 20)), ("binary", [0x22, 0xFF, 0x00, 0x22]),
            ] {
                agent.does { _ in .init(.ok, headers: ["Content-Type": "application/x-own"], body: .bytes(body)) }
                #expect(try await send(fleet.apis[0], to: agent, "x", key: key).bytes == body)
                agent.does { _ in ScriptedAgent.reply("again") }
                let again = try await send(fleet.apis[1], to: agent, "x", key: key)
                #expect(again.headers["idempotency-replayed"] == "true")
                #expect(again.headers["content-type"] == "application/x-own")
                #expect(again.bytes == body)
            }
            #expect(agent.deliveries.count == 2)
        }
    }

    @Test("A standard client's message that waits is the same task when it is sent once more")
    func standard() async throws {
        try await with { fleet, agents in
            let agent = agents[0]
            agent.does(ScriptedAgent.busy)
            var tasks: [JSONValue?] = []
            for (api, isReplay) in zip(fleet.apis, [false, true]) {
                let response = try await api.call(
                    .post, "/agents/\(agent.id)",
                    body: [
                        "jsonrpc": "2.0", "id": 1, "method": "message/send",
                        "params": ["message": ["role": "user", "parts": [["kind": "text", "text": "x"]]]],
                    ],
                    headers: ["Idempotency-Key": "task"])
                #expect(response.status == 200)
                #expect(response.headers["idempotency-replayed"] == (isReplay ? "true" : nil))
                #expect(response.json["result"]?["status"]?["state"] == "submitted")
                tasks.append(response.json["result"]?["id"])
            }
            #expect(tasks[0] == tasks[1])
            #expect(agent.deliveries.count == 1)
        }
    }

    @Test("A stream runs until its end, and is no outcome then")
    func stream() async throws {
        try await with { fleet, agents in
            let agent = agents[0]
            let gate = Gate()
            agent.does { _ in
                .stream(contentType: "text/event-stream") { writer in
                    try await writer.write(Array("data: 1\n\n".utf8))
                    await gate.wait()
                }
            }
            let first = Task { try await send(fleet.apis[0], to: agent, "x", key: "k") }
            try await eventually("the agent to get it") { agent.deliveries.count == 1 }
            #expect(try await send(fleet.apis[1], to: agent, "x", key: "k").status == 409)
            gate.open()
            #expect(try await first.value.text == "data: 1\n\n")
            try await eventually("the key to be free") { try await isFree(fleet) }
            #expect(try await send(fleet.apis[1], to: agent, "x", key: "k").status == 200)
            #expect(agent.deliveries.count == 2)
        }
    }

    @Test("An outcome that the database did not take at once is kept later")
    func keptLater() async throws {
        try await with { fleet, agents in
            let agent = agents[0]
            let gate = Gate()
            agent.does { _ in
                await gate.wait()
                return ScriptedAgent.reply("done")
            }
            let first = Task { try await send(fleet.apis[0], to: agent, "x", key: "k") }
            try await eventually("the agent to get it") { agent.deliveries.count == 1 }
            // Longer than the first try waits for it.
            try await fleet.postgres.transaction(deadline: .seconds(30)) { transaction in
                _ = try await transaction.query(Statement("test_lock_sends", "LOCK TABLE idempotent_sends"))
                gate.open()
                #expect(try await first.value.status == 200)
                try await eventually("the first try to be over") {
                    try await fleet.sql(
                        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
                    )[0].int(0) == 0
                }
            }
            try await eventually("the outcome to be kept") {
                try await fleet.sql("SELECT count(*) FROM idempotent_sends WHERE status = 'done'")[0].int(0) == 1
            }
            let again = try await send(fleet.apis[1], to: agent, "x", key: "k")
            #expect(again.headers["idempotency-replayed"] == "true")
            #expect(agent.deliveries.count == 1)
        }
    }
}
