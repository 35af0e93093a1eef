import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

extension A2AHostilityTests {
    @Suite("Hostile agents", .serialized)
    struct HostileAgentTests {
        @Test("Every misbehaviour has its response, its queue state and its count, within its time")
        func table() async throws {
            try await A2AFleet.with { fleet in
                await withTaskGroup(of: Void.self) { group in
                    for (number, misdeed) in HostileBehavior.all.enumerated() {
                        group.addTask { await check(misdeed, fleet, fleet.proxies[number % 2]) }
                    }
                }
            }
        }

        private func check(_ misdeed: HostileBehavior, _ fleet: A2AFleet, _ proxy: API) async {
            do {
                try await checkCall(misdeed, fleet, proxy)
                if misdeed.drained != nil { try await checkDrain(misdeed, fleet, proxy) }
            } catch {
                Issue.record("\(misdeed.name): \(error)")
            }
        }

        /// A person's message goes straight to the agent.
        private func checkCall(_ misdeed: HostileBehavior, _ fleet: A2AFleet, _ proxy: API) async throws {
            let agent = try misdeed.makeAgent()
            defer { agent.stop() }
            let workspace = try await fleet.workspace(agent.url)
            let clock = ContinuousClock()
            let start = clock.now
            let response = try await proxy.send("hello", to: workspace.id, timeout: misdeed.timeout)
            let took = clock.now - start
            #expect(took < misdeed.limit, "\(misdeed.name) took \(took)")
            let shown = "\(misdeed.name): \(response.status) \(response.text.prefix(300))"
            #expect(response.status == misdeed.call.status, "\(shown)")
            switch misdeed.call {
            case .responds(let text): #expect(response.text == text, "\(shown)")
            case .error(_, let error, let isConfirmed):
                #expect(response.json["error"]?.string == error, "\(shown)")
                #expect(response.json["delivery_confirmed"]?.bool == isConfirmed, "\(shown)")
            case .queued(let reason, let isUncertain):
                #expect(response.json["queued"]?.bool == true, "\(shown)")
                #expect(response.json["queue_depth"]?.int == 1, "\(shown)")
                let item = try await fleet.item(response.json["queue_id"]?.string ?? "")
                #expect(item.isUncertain == isUncertain, "\(misdeed.name): \(item)")
                #expect(item.attempts == 0, "\(misdeed.name): \(item)")
                #expect(item.error == reason, "\(misdeed.name): \(item)")
            }
        }

        /// A message that waits comes to the agent after a heartbeat.
        private func checkDrain(_ misdeed: HostileBehavior, _ fleet: A2AFleet, _ proxy: API) async throws {
            let expected = try #require(misdeed.drained)
            let busy = try HostileAgent { peer, _ in peer.respond("{}", status: "503 Busy") }
            let workspace = try await fleet.workspace(busy.url)
            try await fleet.beat(workspace)
            let queued = try await proxy.send("hello", to: workspace.id)
            #expect(queued.status == 202, "\(misdeed.name): \(queued.text)")
            let id = try #require(queued.json["queue_id"]?.string)
            busy.stop()
            let agent = try misdeed.makeAgent()
            defer { agent.stop() }
            try await fleet.move(workspace, to: agent.url)
            try await fleet.beat(workspace)
            let item = try await fleet.item(id, "\(misdeed.name) to be tried") {
                $0.claims == 1 && $0.status != "dispatched"
            }
            #expect(item.status == expected.status, "\(misdeed.name): \(item)")
            #expect(item.attempts == expected.attempts, "\(misdeed.name): \(item)")
            #expect(item.isUncertain == expected.isUncertain, "\(misdeed.name): \(item)")
            #expect(item.error == expected.error, "\(misdeed.name): \(item)")
        }
    }
}
