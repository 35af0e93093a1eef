import Foundation
import HTTPCore
import JSONBytes
import Synchronization
import Testing
import TestSupport
import UVHTTPClient

@testable import WorkspaceRuntime

@Suite struct A2AServerTests {
    @Test func respondsWithAMessage() async throws {
        try await withPlatform { platform in
            try await withAgent(platform) { agent in
                for kind in ["kind", "type"] {
                    let response = try await call(agent, body: rpc("hello", kind: kind, id: "\"seven\""))
                    #expect(response.status == 200)
                    #expect(response.json["jsonrpc"] == "2.0")
                    #expect(response.json["id"] == "seven")
                    let result = try #require(response.json["result"])
                    #expect(result["kind"] == "message" && result["role"] == "agent")
                    #expect(result["contextId"] == "c-1")
                    #expect(result["messageId"]?.string?.isEmpty == false)
                    #expect(result["parts"] == [["kind": "text", "text": "echo: hello"]])
                }
            }
        }
    }

    @Test func handlersSeeTheMessageAndItsDelivery() async throws {
        try await withPlatform { platform in
            let seen = Box<A2AMessage?>(nil)
            try await withAgent(
                platform,
                handler: { message, _ in
                    seen.value = message
                    return "seen"
                }
            ) { agent in
                _ = try await call(agent, body: rpc("hello"), headers: ["X-Delivery-Attempt": "2"])
                let message = try #require(seen.value)
                #expect(message.id == "m-1" && message.contextID == "c-1" && message.deliveryAttempt == 2)
            }
        }
    }

    @Test(arguments: ["/.well-known/agent-card.json", "/.well-known/agent.json"])
    func showsItsCard(path: String) async throws {
        try await withPlatform { platform in
            try await withAgent(platform, change: { $0.agentURL = "http://agent.example:9" }) { agent in
                let card = try await call(agent, .get, path).json
                #expect(card["name"] == "Test" && card["url"] == "http://agent.example:9")
                #expect(card["capabilities"]?["streaming"] == true)
            }
        }
    }

    @Test(arguments: [
        ("{", -32700), ("[]", -32600), (#"{"id":1,"method":"no/such"}"#, -32601),
        (#"{"id":1,"method":"message/send","params":{}}"#, -32602), (#"{"id":1,"method":"tasks/get"}"#, -32001),
        (rpc("fail"), -32603), (rpc("throw"), -32603),
    ])
    func errorsAreResponses(body: String, code: Int) async throws {
        try await withPlatform { platform in
            try await withAgent(
                platform,
                handler: { message, _ in
                    if message.text == "fail" { throw AgentError("told to") }
                    throw CancellationError()
                }
            ) { agent in
                let response = try await call(agent, body: body)
                #expect(response.status == 200)
                #expect(response.json["error"]?["code"]?.int == code)
                if body == rpc("fail") { #expect(response.json["error"]?["message"] == "told to") }
                if body == rpc("throw") { #expect(response.json["error"]?["message"] == "Internal error") }
                #expect(agent.activeTasks == 0)
            }
        }
    }

    @Test(arguments: [1, 3])
    func takesNoMoreThanConfiguredAndBeatsWhenThereIsCapacity(limit: Int) async throws {
        try await withPlatform { platform in
            let latch = Latch()
            try await withAgent(
                platform, change: { $0.maxConcurrentTasks = limit },
                handler: { _, _ in
                    await latch.wait()
                    return "done"
                }
            ) { agent in
                #expect(await agent.sendHeartbeat())
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<limit { group.addTask { try await call(agent, body: rpc("work")).status } }
                    try await eventually("all places are taken") { agent.activeTasks == limit }
                    let refused = try await call(agent, body: rpc("too much"))
                    #expect(refused.status == 503)
                    // The platform honours it, and would withhold the message from the heartbeat that reports capacity.
                    #expect(refused.headers["Retry-After"] == nil)
                    #expect(await agent.sendHeartbeat())
                    let beat = platform.received("POST /registry/heartbeat").last?.json
                    #expect(beat?["active_tasks"]?.int == limit && beat?["current_task"] == "work")
                    latch.open()
                    for try await status in group { #expect(status == 200) }
                }
                try await eventually("the platform gets the capacity") {
                    platform.received("POST /registry/heartbeat").last?.json["active_tasks"] == 0
                }
                #expect(try await status(agent, body: rpc("work")) == 200)
            }
        }
    }

    @Test func refusesEverythingWhenConfiguredTo() async throws {
        try await withPlatform { platform in
            try await withAgent(platform) { agent in
                agent.refusesMessages = true
                let refused = try await status(agent, body: rpc("hello"))
                agent.refusesMessages = false
                let taken = try await status(agent, body: rpc("hello"))
                #expect(refused == 503 && taken == 200)
            }
        }
    }

    @Test func anEventIsOneLineWhateverIsInIt() async throws {
        try await withPlatform { platform in
            let part = Array("{\r\n  \"kind\": \"data\",\n  \"data\": {\"a\": \"b\u{2028}c\"}\n}".utf8)
            try await withAgent(
                platform,
                handler: { _, _ in
                    AgentReply(parts: [.text("one\u{85}two"), .json(part)], metadata: Array("{\n}".utf8))
                }
            ) { agent in
                let response = try await call(agent, body: rpc("work", method: "message/stream"))
                let lines = String(decoding: response.body, as: UTF8.self).split(whereSeparator: \.isNewline)
                #expect(lines.count == 1 && lines[0].hasPrefix("data: "), "\(lines)")
                let parts = response.events.first?["result"]?["parts"]
                #expect(parts?[0]?["text"] == "one\u{85}two" && parts?[1]?["data"] == ["a": "b\u{2028}c"])
            }
        }
    }

    @Test func streamsAMessageOrATask() async throws {
        try await withPlatform { platform in
            try await withAgent(
                platform,
                handler: { message, context in
                    if message.text != "quiet" { await context.progress("half way") }
                    if message.text == "fail" { throw AgentError("gave up") }
                    return "all the way"
                }
            ) { agent in
                let quiet = try await call(agent, body: rpc("quiet", method: "message/stream"))
                #expect(quiet.headers["Content-Type"]?.hasPrefix("text/event-stream") == true)
                #expect(quiet.events.count == 1)
                #expect(quiet.events[0]["result"]?["parts"]?[0]?["text"] == "all the way")

                let task = try await call(agent, body: rpc("work", method: "message/stream")).events
                #expect(task.map { $0["result"]?["kind"]?.string } == ["task", "status-update", "status-update"])
                #expect(task.allSatisfy { $0["id"] == 7 })
                #expect(task[1]["result"]?["final"] == false && task[2]["result"]?["final"] == true)
                #expect(task[2]["result"]?["status"]?["state"] == "completed")
                #expect(task[2]["result"]?["status"]?["message"]?["parts"]?[0]?["text"] == "all the way")

                let failed = try await call(agent, body: rpc("fail", method: "message/stream")).events
                #expect(failed.last?["result"]?["status"]?["state"] == "failed")
                #expect(agent.activeTasks == 0)
            }
        }
    }

    @Test("Progress that comes faster than the client reads is not kept but for the newest")
    func progressOfASlowReader() async throws {
        let (reports, size) = (600, 100_000)
        try await withPlatform { platform in
            try await withAgent(
                platform,
                handler: { _, context in
                    let padding = String(repeating: "x", count: size)
                    for number in 1...reports { await context.progress("\(number) \(padding)") }
                    return "done"
                }
            ) { agent in
                let request = try ClientRequest(
                    .post, "http://127.0.0.1:\(agent.port ?? 0)/", headers: ["Content-Type": "application/json"],
                    body: .bytes(Array(rpc("work", method: "message/stream").utf8)))
                let response = try await HTTPClient(group: loops).send(request)
                try await eventually("the work to end, unread as it is") { agent.activeTasks == 0 }
                let body = try await response.body.collect(upTo: 200 << 20)
                let events = AgentHTTPResponse(status: 200, headers: response.headers, body: body).events
                #expect(events.first?["result"]?["kind"]?.string == "task")
                #expect(events.last?["result"]?["status"]?["state"] == "completed")
                #expect(events.count < reports / 2)
            }
        }
    }
}
