import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Testing
import TestSupport

/// A standard client whose agent cannot take its messages now: it reads nothing but the protocol.
@Suite("The standard endpoint of a busy agent", .serialized)
struct WaitingClientTests {
    private func with(_ body: (Fleet, StandardAgent, _ id: String) async throws -> Void) async throws {
        try await Fleet.with(["a2a-proxy", "registry"], environment: ["A2A_RETRY_SECONDS": "5"]) { fleet in
            let agent = try await StandardAgent.start()
            var failure: (any Error)?
            do { try await body(fleet, agent, try await agent.register(at: fleet.apis[1])) } catch { failure = error }
            await agent.stop()
            if let failure { throw failure }
        }
    }

    @Test("Its message is a task that it can get and cancel, until the agent has it", arguments: ["1.0", "0.3"])
    func tasks(_ version: String) async throws {
        try await with { fleet, agent, id in
            let base = fleet.services[0].baseURL + "/agents/"
            let poor = try await fleet.apis[1].call(.post, "/workspaces", body: ["name": "poor", "external": true])
            let poorID = try #require(poor.json["id"]?.string)
            try await fleet.sql(
                "UPDATE workspaces SET budget_limit = 1, monthly_spend = 1 WHERE id = $1::uuid", [poorID])
            let homeless = try await fleet.apis[1].call(.post, "/workspaces", body: ["name": "no", "external": true])
            let refusing = [UUID().uuidString.lowercased(), poorID, try #require(homeless.json["id"]?.string)]
            let lines = try await PythonProgram.run(
                "waiting_client.py",
                [base + id, version, Platform.adminToken, agent.busyFile] + refusing.map { base + $0 })
            func response(_ call: String) throws -> JSONValue {
                try #require(lines.first { $0[0]?.string == call }?[1], "\(call): \(lines)")
            }
            try checkWaiting(response)
            try checkEnds(response)
            let kind = "A2AClientError: " + (version == "1.0" ? "JSON-RPC Error -32000: " : "")
            for prefix in ["refused", "refused stream"] {
                #expect(try response("\(prefix) 0").string == kind + "workspace not found")
                #expect(try response("\(prefix) 1").string == kind + "workspace budget limit exceeded")
                #expect(try response("\(prefix) 2").string == kind + "workspace has no URL")
            }
            #expect(try response("get of a busy agent").string == kind + "workspace agent is busy")
        }
    }

    private func checkWaiting(_ response: (String) throws -> JSONValue) throws {
        for call in ["send", "send task", "stream", "send long", "send in vain", "subscribe"] {
            let task = try response(call)["task"]
            #expect(task?["status"]?["state"] == "TASK_STATE_SUBMITTED", "\(call)")
            #expect(task?["id"] == task?["metadata"]?["queue_id"], "\(call)")
            #expect(task?["contextId"]?.string?.isEmpty == false, "\(call)")
        }
        #expect(try response("get")["status"]?["state"] == "TASK_STATE_SUBMITTED")
        #expect(try response("get")["id"] == response("send")["task"]?["id"])
        for call in ["cancel", "get cancelled"] {
            #expect(try response(call)["status"]?["state"] == "TASK_STATE_CANCELED")
        }
        for call in ["cancel again", "cancel ended"] {
            let error = try response(call)
            #expect(error.string?.hasPrefix("TaskNotCancelableError") == true, "\(error)")
        }
    }

    private func checkEnds(_ response: (String) throws -> JSONValue) throws {
        // A message as the result makes a task of the platform that ended with it.
        let message = try response("message")
        #expect(try message["id"] == response("send")["task"]?["id"])
        #expect(message["status"]?["state"] == "TASK_STATE_COMPLETED")
        #expect(message["status"]?["message"]?["parts"]?[0]?["text"] == "direct: done")
        // The agent's own tasks are its own, whether they were stored at their end or are queried.
        for (call, steps) in [("task", 2), ("streamed task", 1)] {
            let task = try response(call)
            #expect(task["status"]?["state"] == "TASK_STATE_COMPLETED")
            #expect(task["artifacts"]?.array?.count == steps)
        }
        #expect(try response("running")["status"]?["state"] == "TASK_STATE_WORKING")
        #expect(try response("cancel running")["status"]?["state"] == "TASK_STATE_CANCELED")
        #expect(try response("cancel running")["id"] == response("running")["id"])
    }

    @Test("Other callers' tasks are not disclosed, and read-only calls are not stored")
    func foreign() async throws {
        try await with { fleet, agent, id in
            try agent.setBusy(true)
            let sent = try await fleet.api.call(.post, "/agents/\(id)", body: Self.call("message/send", message: "m"))
            #expect(sent.status == 200)
            let task = try #require(sent.json["result"]?["id"]?.string)
            #expect(sent.json["result"]?["kind"] == "task")
            #expect(sent.json["id"] == 7)
            // The same message once more is the same task.
            let twin = try await fleet.api.call(.post, "/agents/\(id)", body: Self.call("message/send", message: "m"))
            #expect(twin.json["result"]?["id"]?.string == task)

            let other = try await fleet.apis[1].call(.post, "/workspaces", body: ["name": "o", "external": true])
            let otherID = try #require(other.json["id"]?.string)
            let token = try #require(other.json["connection"]?["auth_token"]?.string)
            for method in ["tasks/get", "tasks/cancel", "tasks/resubscribe"] {
                let response = try await fleet.api.call(
                    .post, "/agents/\(id)", bearer: token, body: Self.call(method, task: task),
                    headers: ["X-Workspace-ID": otherID])
                #expect(response.status == 200)
                #expect(response.headers["retry-after"] == "30")
                // A stream's reader gets it as an event.
                #expect(response.isEventStream == (method == "tasks/resubscribe"))
                let error = response.isEventStream ? response.event["error"] : response.json["error"]
                #expect(error?["message"] == "workspace agent is busy", "\(response.text)")
                #expect(error?["data"]?["busy"] == true)
                #expect(error?["data"]?["status"] == 503)
            }
            // Another sender's message with the same id is a task of its own; a repeated one of the same sender is not.
            let own = try await fleet.api.call(
                .post, "/agents/\(id)", bearer: token, body: Self.call("message/send", message: "m"),
                headers: ["X-Workspace-ID": otherID])
            #expect(own.json["result"]?["kind"] == "task", "\(own.text)")
            #expect(own.json["result"]?["id"]?.string != task)
            let taken = try await fleet.api.call(
                .post, "/agents/\(id)", body: Self.call("message/stream", message: "m"))
            #expect(taken.status == 200)
            #expect(taken.event["error"]?["message"] == "messageId was used with another message", "\(taken.text)")
            #expect(taken.event["error"]?["data"]?["status"] == 409)
            #expect(try await fleet.sql("SELECT count(*)::int FROM a2a_queue")[0].int(0) == 2)
            // Credentials are HTTP's affair.
            let anonymous = try await fleet.api.call(
                .post, "/agents/\(id)", bearer: "wrong", body: Self.call("tasks/get", task: task))
            #expect(anonymous.status == 401)
            for (body, code) in [("{", -32_700), ("[]", -32_600)] {
                let response = try await fleet.api.raw(
                    .post, "/agents/\(id)", bearer: Platform.adminToken, body: Array(body.utf8),
                    type: "application/json", headers: [])
                #expect(response.json["error"]?["code"]?.int == code, "\(response.text)")
                #expect(response.json["id"] == .null)
            }
        }
    }

    private static func call(_ method: String, message: String) -> JSONValue {
        [
            "jsonrpc": "2.0", "id": 7, "method": .string(method),
            "params": [
                "message": [
                    "role": "user", "messageId": .string(message), "kind": "message",
                    "parts": [["kind": "text", "text": "direct"]],
                ]
            ],
        ]
    }

    private static func call(_ method: String, task: String) -> JSONValue {
        ["jsonrpc": "2.0", "id": 7, "method": .string(method), "params": ["id": .string(task)]]
    }
}
