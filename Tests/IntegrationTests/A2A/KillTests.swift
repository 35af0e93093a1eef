import Foundation
import HTTPCore
import JSONBytes
import Postgres
import Synchronization
import Testing
import TestSupport

/// What was acknowledged: items of the queue by their messages, and delegations.
private final class Promises: Sendable {
    private let state = Mutex<(items: [String: String], delegations: Set<String>, completed: Set<String>)>(
        ([:], [], []))

    var items: [String: String] { state.withLock { $0.items } }
    var delegations: Set<String> { state.withLock { $0.delegations } }
    var completed: Set<String> { state.withLock { $0.completed } }
    var count: Int { state.withLock { $0.items.count + $0.delegations.count + $0.completed.count } }

    func note(message: String, _ response: API.ReceivedResponse) {
        state.withLock { state in
            if response.status == 200 { state.completed.insert(message) }
            if response.status == 202, let id = response.json["queue_id"]?.string { state.items[id] = message }
        }
    }

    func note(delegation response: API.ReceivedResponse) {
        guard response.status == 202, let id = response.json["delegation_id"]?.string else { return }
        state.withLock { _ = $0.delegations.insert(id) }
    }
}

extension A2AHostilityTests {
    @Suite("Proxies that are killed", .serialized)
    struct KillTests {
        private static let kills = 50
        private static let seed: UInt64 = 20_260_517

        private typealias Workspace = (id: String, token: String)

        @Test("Fifty kills at random under load: everything acknowledged is delivered, nothing runs twice at once")
        func kills() async throws {
            try await A2AFleet.with(["A2A_IDLE_TIMEOUT_SECONDS": "60", "LOG_LEVEL": "warning"]) { fleet in
                let agent = try WorkingAgent(refusesEvery: 2)
                defer { agent.stop() }
                var made: [Workspace] = []
                for _ in 0..<4 { made.append(try await fleet.workspace(agent.url, capacity: 4)) }
                let workspaces = made
                let promises = Promises()
                let senders = (0..<6).map { number in
                    Task { await send(number, workspaces, fleet, promises) }
                }
                let survivors = try await killAtRandom(fleet, promises)
                for sender in senders { sender.cancel() }
                for sender in senders { await sender.value }
                do { try await settle(workspaces, fleet) } catch { Issue.record("\(error)") }
                try await check(promises, agent, fleet)
                for service in survivors {
                    #expect(service.isRunning, "\(service.output.suffix(4000))")
                    await service.kill9()
                }
            }
        }

        private func send(_ sender: Int, _ workspaces: [Workspace], _ fleet: A2AFleet, _ promises: Promises) async {
            var random = SeededGenerator(seed: Self.seed &+ UInt64(sender))
            var number = 0
            while !Task.isCancelled {
                number += 1
                let proxy = fleet.proxies[Int.random(in: 0...1, using: &random)]
                let target = workspaces[Int.random(in: 0..<4, using: &random)]
                // What a killed proxy did not respond to was not acknowledged.
                if number % 4 == 0 {
                    let source = workspaces.first { $0.id != target.id }!
                    let response = try? await proxy.call(
                        .post, "/workspaces/\(source.id)/delegate", bearer: source.token,
                        body: ["target_id": .string(target.id), "task": "work"], within: .seconds(10))
                    if let response { promises.note(delegation: response) }
                } else {
                    let id = "message-\(sender)-\(number)"
                    let response = try? await proxy.send("work", to: target.id, id: id, within: .seconds(10))
                    if let response { promises.note(message: id, response) }
                }
                if number % 5 == 0 { try? await fleet.beat(target) }
            }
        }

        /// - Returns: the processes that live in the end.
        private func killAtRandom(_ fleet: A2AFleet, _ promises: Promises) async throws -> [ServiceProcess] {
            var random = SeededGenerator(seed: Self.seed)
            var living = fleet.proxyProcesses
            for _ in 0..<Self.kills {
                let before = promises.count
                let progress = Int.random(in: 1...30, using: &random)
                try await eventually("messages to flow") { promises.count >= before + progress }
                let victim = Int.random(in: 0...1, using: &random)
                await living[victim].kill9()
                living[victim] = try await fleet.fleet.launch("a2a-proxy", port: living[victim].port)
            }
            return living
        }

        /// Waits until nothing waits any more.
        private func settle(_ workspaces: [Workspace], _ fleet: A2AFleet) async throws {
            var left = ""
            try await eventually(within: .seconds(120), "the queue to be empty", detail: { left }) {
                for workspace in workspaces { try await fleet.beat(workspace) }
                left = try await fleet.fleet.sql(
                    "SELECT status, count(*) FROM a2a_queue WHERE status IN ('queued', 'dispatched') GROUP BY 1"
                ).map { "\($0.string(0)): \($0.int(1))" }.joined(separator: ", ")
                return left.isEmpty
            }
        }

        private func check(_ promises: Promises, _ agent: WorkingAgent, _ fleet: A2AFleet) async throws {
            let ends = try await fleet.fleet.sql("SELECT id::text, status, last_error FROM a2a_queue").map {
                ($0.string(0), $0.string(1) + ($0.optionalString(2).map { ": \($0)" } ?? ""))
            }
            let items = Dictionary(uniqueKeysWithValues: ends)
            let unkept = promises.items.filter { items[$0.key] != "completed" || !agent.done.contains($0.value) }
            #expect(unkept.isEmpty, "\(unkept.map { "\($0.value): \(items[$0.key] ?? "gone")" }.prefix(10))")
            let rows = try await fleet.fleet.sql("SELECT id::text, status, error FROM delegations").map {
                ($0.string(0), $0.string(1) + ($0.optionalString(2).map { ": \($0)" } ?? ""))
            }
            let delegations = Dictionary(uniqueKeysWithValues: rows)
            let broken = promises.delegations.filter { delegations[$0] != "completed" || !agent.done.contains($0) }
            #expect(broken.isEmpty, "\(broken.map { "\($0): \(delegations[$0] ?? "gone")" }.prefix(10))")
            #expect(promises.completed.subtracting(agent.done).isEmpty)
            #expect(agent.violations.isEmpty, "\(agent.violations.prefix(10))")
            // The kills met calls that ran, or this test says nothing.
            #expect(agent.repeated > 0)
            #expect(promises.items.count > 100 && promises.delegations.count > 50)
        }
    }
}
