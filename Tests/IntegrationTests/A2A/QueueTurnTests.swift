import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Synchronization
import Testing
import TestSupport

extension A2AHostilityTests {
    @Suite("The order of the queue", .serialized)
    struct QueueTurnTests {
        private typealias Workspace = (id: String, token: String)

        /// The ids of what an agent was given from now on, in order.
        private final class Log: Sendable {
            private let ids = Mutex<[String]>([])

            var all: [String] { ids.withLock { $0 } }

            func add(_ id: String) { ids.withLock { $0.append(id) } }
        }

        /// Sends messages to an agent that is busy, in this order.
        ///
        /// - Returns: the items by the messages' ids.
        private func queue(
            _ messages: [String], for workspace: Workspace, _ fleet: A2AFleet
        ) async throws -> [String: String] {
            var items: [String: String] = [:]
            for message in messages {
                let response = try await fleet.proxies[0].send(message, to: workspace.id, id: message)
                #expect(response.status == 202, "\(response.text)")
                items[message] = try #require(response.json["queue_id"]?.string)
            }
            return items
        }

        private static let busy: HostileAgent.Script = { peer, _ in peer.respond("{}", status: "503 Busy") }

        @Test(
            "A message that the agent sends back again and again lets the others pass",
            arguments: ["429 Too Many Requests", "503 Unavailable", ""])
        func othersPass(status: String) async throws {
            try await A2AFleet.with { fleet in
                let agent = try HostileAgent(Self.busy)
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                let items = try await queue(["p0", "n1", "n2"], for: workspace, fleet)
                agent.behave { peer, request in
                    guard request.messageID == "p0" else { return peer.respond() }
                    if status.isEmpty { peer.reset() } else { peer.respond("{}", status: status) }
                }
                try await eventually(within: .seconds(30), "the others to arrive") {
                    try await fleet.beat(workspace)
                    let states = try await ["n1", "n2"].asyncMap { try await fleet.item(items[$0] ?? "").status }
                    return states == ["completed", "completed"]
                }
                let first = try await fleet.item(try #require(items["p0"]))
                #expect(first.attempts < 5, "\(first)")
                #expect(["queued", "dispatched"].contains(first.status), "\(first)")
                // It does not fail either.
                agent.behave { peer, _ in peer.respond() }
                try await eventually(within: .seconds(60), "the first to arrive") {
                    try await fleet.beat(workspace)
                    return try await fleet.item(items["p0"] ?? "").status == "completed"
                }
            }
        }

        @Test("Failures are spaced, whatever the agent reports, and every repetition says which one it is")
        func failures() async throws {
            try await A2AFleet.with(["A2A_FAILURE_RETRY_SECONDS": "1"]) { fleet in
                let clock = ContinuousClock()
                let agent = try HostileAgent(Self.busy)
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                let item = try #require(try await queue(["m"], for: workspace, fleet)["m"])
                let deliveries = Mutex<[(at: ContinuousClock.Instant, attempt: Int?)]>([])
                agent.behave { peer, request in
                    deliveries.withLock { $0.append((clock.now, request.attempt)) }
                    peer.respond("{}", status: "500 Oops")
                }
                try await eventually(within: .seconds(90), "it to fail") {
                    try await fleet.beat(workspace)
                    return try await fleet.item(item).status == "failed"
                }
                let times = deliveries.withLock { $0.map(\.at) }
                #expect(deliveries.withLock { $0.map(\.attempt) } == [nil, 2, 3, 4, 5])
                for (number, (earlier, later)) in zip(times, times.dropFirst()).enumerated() {
                    let least = Duration.milliseconds(800) * (1 << number)
                    #expect(later - earlier >= least, "\(number): \(later - earlier)")
                }
                agent.behave { peer, request in
                    deliveries.withLock { $0.append((clock.now, request.attempt)) }
                    peer.respond()
                }
                let retried = try await fleet.proxies[1].call(.post, "/admin/a2a-queue/\(item)/retry")
                #expect(retried.status == 200, "\(retried.text)")
                try await fleet.item(item, "it to be delivered") { $0.status == "completed" }
                #expect(deliveries.withLock { $0.map(\.attempt) } == [nil, 2, 3, 4, 5, 6])
            }
        }

        @Test("A refusal that does not end ends the message, visibly")
        func refusals() async throws {
            try await A2AFleet.with(["A2A_REFUSAL_LIMIT_SECONDS": "2"]) { fleet in
                let agent = try HostileAgent(Self.busy)
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                let item = try #require(try await queue(["m"], for: workspace, fleet)["m"])
                try await eventually(within: .seconds(60), "it to fail") {
                    try await fleet.beat(workspace)
                    return try await fleet.item(item).status == "failed"
                }
                let shown = try await fleet.proxies[1].call(.get, "/queue/\(item)").json
                #expect(shown["attempts"] == 0)
                #expect(shown["last_error"] == "refused for too long: the agent answered 503")
                #expect(shown["refusals"]?.int ?? 0 >= 5)
                #expect(try await fleet.fleet.events(of: workspace.id).contains("a2a.failed"))
            }
        }

        @Test("A caller's own deadline takes no capacity: the message goes again at once")
        func deadline() async throws {
            try await A2AFleet.with { fleet in
                let log = Log()
                let agent = try HostileAgent { peer, request in
                    log.add(request.messageID)
                    if request.attempt == nil { peer.hang() } else { peer.respond() }
                }
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                try await fleet.beat(workspace)
                let response = try await fleet.proxies[0].send("x", to: workspace.id, id: "m", timeout: "3")
                #expect(response.status == 202, "\(response.text)")
                let item = try await fleet.item(
                    try #require(response.json["queue_id"]?.string), "it to be delivered without a heartbeat"
                ) { $0.status == "completed" }
                #expect(item.claims == 1)
                #expect(log.all == ["m", "m"])
                let busy = try await fleet.fleet.sql(
                    "SELECT last_busy_at IS NULL FROM workspace_vitals WHERE workspace_id = $1::uuid", [workspace.id])
                #expect(busy[0].bool(0))
            }
        }

        @Test("A delegation's first dispatch waits for no report, and for no other's busy response")
        func firstDispatch() async throws {
            try await A2AFleet.with { fleet in
                let agent = try HostileAgent { peer, request in
                    request.messageID == "m" ? peer.respond("{}", status: "503 Busy") : peer.respond()
                }
                defer { agent.stop() }
                let source = try await fleet.workspace(agent.url)
                let target = try await fleet.workspace(agent.url)
                let beat = try await fleet.registry.call(
                    .post, "/registry/heartbeat", bearer: target.token,
                    body: ["workspace_id": .string(target.id), "active_tasks": 1])
                #expect(beat.status == 200)
                #expect(try await fleet.proxies[0].send("x", to: target.id, id: "m").status == 202)
                for proxy in fleet.proxies {
                    let made = try await proxy.call(
                        .post, "/workspaces/\(source.id)/delegate", bearer: source.token,
                        body: ["target_id": .string(target.id), "task": "now"])
                    let id = try #require(made.json["delegation_id"]?.string)
                    var last: JSONValue = .null
                    try await eventually("the delegation to be completed", detail: { "\(last)" }) {
                        last = try await proxy.call(
                            .get, "/workspaces/\(source.id)/delegations/\(id)", bearer: source.token
                        ).json
                        return last["status"] == "completed"
                    }
                }
            }
        }

        // MARK: - Contexts

        private func send(
            _ id: String, context: String, to workspace: Workspace, _ proxy: API
        ) async throws -> API.ReceivedResponse {
            try await proxy.call(
                .post, "/workspaces/\(workspace.id)/a2a",
                body: [
                    "jsonrpc": "2.0", "id": .string(id), "method": "message/send",
                    "params": [
                        "message": [
                            "messageId": .string(id), "contextId": .string(context),
                            "parts": [["kind": "text", "text": "x"]],
                        ]
                    ],
                ])
        }

        @Test("A message that is sent directly does not pass an earlier one of its context, at any instance")
        func contexts() async throws {
            try await A2AFleet.with { fleet in
                let log = Log()
                let agent = try HostileAgent(Self.busy)
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                try await fleet.beat(workspace)
                #expect(try await send("c1", context: "c", to: workspace, fleet.proxies[0]).status == 202)
                agent.behave { peer, request in
                    log.add(request.messageID)
                    peer.respond()
                }
                let second = try await send("c2", context: "c", to: workspace, fleet.proxies[0])
                #expect(second.status == 202, "\(second.text)")
                #expect(second.json["message"]?.string?.contains("earlier message of its context") == true)
                #expect(second.json["queue_depth"] == 2)
                #expect(try await send("d1", context: "d", to: workspace, fleet.proxies[0]).status == 200)
                // The other instance is notified shortly.
                var last = 0
                try await eventually("the other instance to know", detail: { "\(last)" }) {
                    last = try await send(UUID().uuidString, context: "c", to: workspace, fleet.proxies[1]).status
                    return last == 202
                }
                let third = try await send("c3", context: "c", to: workspace, fleet.proxies[1])
                #expect(third.status == 202, "\(third.text)")
                try await fleet.beat(workspace)
                // One heartbeat is enough for all of them.
                try await fleet.item(try #require(third.json["queue_id"]?.string), "all to arrive") {
                    $0.status == "completed"
                }
                #expect(log.all.filter { ["c1", "c2", "c3"].contains($0) } == ["c1", "c2", "c3"])
                // Nothing waits any more.
                #expect(try await send("c4", context: "c", to: workspace, fleet.proxies[0]).status == 200)
            }
        }
    }
}

extension Array {
    fileprivate func asyncMap<T>(_ transform: (Element) async throws -> T) async rethrows -> [T] {
        var mapped: [T] = []
        for element in self { mapped.append(try await transform(element)) }
        return mapped
    }
}
