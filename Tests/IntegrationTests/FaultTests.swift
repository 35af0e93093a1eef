import Foundation
import HTTPCore
import JSONBytes
import Synchronization
import Testing
import TestSupport

/// What was acknowledged, and therefore must be delivered.
private final class Ledger: Sendable {
    private struct State {
        /// Text of the message by its queue item, for those with a 202.
        var queued: [String: String] = [:]
        var completed: Set<String> = []
        var refused = 0
    }

    private let state = Mutex(State())

    func note(_ text: String, _ response: API.ReceivedResponse) {
        state.withLock { state in
            if response.status == 202, let id = response.json["queue_id"]?.string {
                state.queued[id] = text
            } else if response.status == 200 {
                state.completed.insert(text)
            } else {
                state.refused += 1
            }
        }
    }

    func noteRefusal() { state.withLock { $0.refused += 1 } }

    var queued: [String: String] { state.withLock { $0.queued } }
    var acknowledged: Set<String> { state.withLock { $0.completed.union($0.queued.values) } }
}

extension PlatformTests {
    @Suite("Faults under load: everything acknowledged is delivered", .serialized)
    struct FaultTests {
        enum Store: String, CaseIterable, Sendable {
            case postgres, rabbitmq, redis
        }

        /// Sends numbered messages until stopped; refused ones need not be delivered.
        private func send(_ name: String, to agent: EchoAgentProcess, on platform: Platform, _ ledger: Ledger) async {
            var number = 0
            while !Task.isCancelled {
                number += 1
                let text = "\(name)-\(number)"
                do {
                    ledger.note(text, try await platform.api.message(text, to: agent.id, id: text))
                } catch {
                    ledger.noteRefusal()
                }
            }
        }

        /// Every item that was accepted is completed, and every acknowledged text reached the agent.
        private func check(_ ledger: Ledger, _ agents: [EchoAgentProcess], on platform: Platform) async throws {
            for (id, text) in ledger.queued {
                try await eventually(within: .seconds(60), "\(text), accepted as \(id), to be delivered") {
                    let response = try? await platform.api.call(.get, "/queue/\(id)")
                    return response?.json["status"]?.string == "completed"
                }
            }
            var received: Set<String> = []
            for agent in agents { received.formUnion(try await agent.received().map(\.text)) }
            let missing = ledger.acknowledged.subtracting(received)
            #expect(missing.isEmpty, "acknowledged and never delivered: \(missing.sorted().prefix(10))")
        }

        private func kill(_ store: Store, of platform: Platform) async {
            switch store {
            case .postgres: await platform.postgres.kill()
            case .rabbitmq: await platform.rabbit.kill()
            case .redis: await platform.redis.kill()
            }
        }

        private func revive(_ store: Store, of platform: Platform) async throws {
            switch store {
            case .postgres: try await platform.postgres.start()
            case .rabbitmq: try await platform.rabbit.start()
            case .redis: try await platform.redis.start()
            }
        }

        @Test(
            "A store is killed and comes back while messages flow: services recover by themselves, no status flips",
            arguments: Store.allCases)
        func storeDies(store: Store) async throws {
            let platform = try await Platform.start(scale: ["a2a-proxy": 2], fsync: true)
            if store == .rabbitmq {
                try await platform.rabbit.settleQueues()
                try await platform.waitUntilReady()
            }
            let agents = try await [
                EchoAgentProcess.start(on: platform), EchoAgentProcess.start(on: platform, name: "second"),
            ]
            let ledger = Ledger()
            let senders = (0..<6).map { sender in
                Task { await send("sender\(sender)", to: agents[sender % 2], on: platform, ledger) }
            }
            try await eventually("messages to flow") { ledger.acknowledged.count > 50 }

            await kill(store, of: platform)
            let registry = platform.instances("registry")[0]
            try await eventually("readiness to report that \(store.rawValue) is gone") {
                try await onThread { PlainSocket.status(port: registry.port, path: "/ready") == 503 }
            }
            try await eventually("health to say that the process is well") {
                try await onThread { PlainSocket.status(port: registry.port, path: "/health") == 200 }
            }
            if store != .postgres {
                // What Postgres can accept is accepted.
                let before = ledger.acknowledged.count
                try await eventually("messages to flow without \(store.rawValue)") {
                    ledger.acknowledged.count > before + 20
                }
            } else {
                let refused = try await platform.api.call(.get, "/workspaces")
                #expect(refused.status == 503)
                #expect(refused.json["code"]?.string == "platform_unavailable")
            }

            try await revive(store, of: platform)
            try await platform.waitUntilReady()
            let after = ledger.acknowledged.count
            try await eventually("messages to flow again") { ledger.acknowledged.count > after + 50 }
            for sender in senders { sender.cancel() }
            for sender in senders { await sender.value }
            try await check(ledger, agents, on: platform)

            for agent in agents {
                let events = try await platform.api.call(.get, "/events/\(agent.id)").json.array ?? []
                let flips = events.compactMap { $0["event_type"]?.string }.filter {
                    ["WORKSPACE_OFFLINE", "WORKSPACE_DEGRADED"].contains($0)
                }
                #expect(flips.isEmpty)
                await agent.stop()
            }
            await platform.stop()
        }

        @Test("A message that a killed proxy held is delivered by another one, and said to be uncertain")
        func proxyDies() async throws {
            let platform = try await Platform.start(scale: ["a2a-proxy": 2], environment: ["A2A_LEASE_SECONDS": "3"])
            let agent = try await EchoAgentProcess.start(on: platform)
            try await agent.command("busy on")
            // Longer than it takes to see who has it and to kill that one.
            let queued = try await platform.api.message("sleep 10", to: agent.id, id: "held-message")
            #expect(queued.status == 202)
            let id = try #require(queued.json["queue_id"]?.string)
            try await agent.command("busy off")
            var owner = ""
            try await eventually("a proxy to claim the message") {
                owner = try await platform.postgres.sql(
                    "SELECT lease_owner FROM a2a_queue WHERE id = '\(id)' AND status = 'dispatched'",
                    database: platform.databaseName
                ).trimmingCharacters(in: .whitespacesAndNewlines)
                return !owner.isEmpty
            }
            try await eventually("the agent to have it") {
                try await agent.received().contains { $0.messageID == "held-message" }
            }
            let holder = try #require(platform.instances("a2a-proxy").first { $0.output.contains(owner) })
            await holder.kill9()
            try await eventually(within: .seconds(90), "the other proxy to deliver it") {
                let response = try? await platform.api.call(.get, "/queue/\(id)")
                return response?.json["status"]?.string == "completed"
            }
            // The agent can see it: the same message, and that it is not the first try.
            let deliveries = try await agent.received().filter { $0.messageID == "held-message" }
            #expect(deliveries.count == 2)
            #expect(deliveries.first?.attempt == nil)
            #expect((deliveries.last?.attempt ?? 0) >= 2)
            await agent.stop()
            await platform.stop()
        }

        @Test("SIGTERM: a call in flight is completed, then the process ends with 0")
        func termination() async throws {
            let platform = try await Platform.start()
            let agent = try await EchoAgentProcess.start(on: platform)
            let proxy = platform.instances("a2a-proxy")[0]
            let direct = API(baseURL: proxy.baseURL)
            async let response = direct.message("sleep 2", to: agent.id)
            try await eventually("the call to reach the agent") {
                try await agent.received().contains { $0.text == "sleep 2" }
            }
            let code = await proxy.terminate(within: .seconds(20))
            #expect(try await response.status == 200)
            #expect(code == 0)
            for name in ["registry", "scheduler", "notifier", "sweeper"] {
                #expect(await platform.instances(name)[0].terminate() == 0, "\(name)")
            }
            direct.close()
            await agent.stop()
            await platform.stop()
        }
    }
}
