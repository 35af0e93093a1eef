import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

extension A2AHostilityTests {
    @Suite("An instance that stood still", .serialized)
    struct FencingTests {
        /// Responds to the first delivery on demand, and to the second at once.
        private final class TwoMindedAgent: Sendable {
            let agent: HostileAgent
            private let release = DispatchSemaphore(value: 0)

            init() throws {
                agent = try HostileAgent { peer, _ in peer.respond("{}", status: "503 Busy") }
            }

            func beginResponse() {
                agent.behave { [release] peer, request in
                    guard request.attempt == nil else { return peer.respond(Self.text("second")) }
                    release.wait()
                    peer.respond(Self.text("first"))
                }
            }

            func respondToFirst() { release.signal() }

            static func text(_ words: String) -> String {
                #"{"jsonrpc":"2.0","id":"1","result":{"parts":[{"kind":"text","text":"\#(words)"}]}}"#
            }
        }

        private func owner(of item: A2AFleet.Item, in fleet: A2AFleet) throws -> (ServiceProcess, API) {
            let owner = try #require(item.owner)
            let index = try #require(fleet.proxyProcesses.firstIndex { $0.output.contains(owner) })
            return (fleet.proxyProcesses[index], fleet.proxies[index])
        }

        @Test("Its result counts for nothing once another has claimed the item")
        func fenced() async throws {
            try await A2AFleet.with(["A2A_IDLE_TIMEOUT_SECONDS": "60"]) { fleet in
                let minded = try TwoMindedAgent()
                defer { minded.agent.stop() }
                let workspace = try await fleet.workspace(minded.agent.url)
                let queued = try await fleet.proxies[0].send("hello", to: workspace.id)
                let id = try #require(queued.json["queue_id"]?.string)
                minded.beginResponse()
                try await fleet.beat(workspace)
                let held = try await fleet.item(id, "the item to be claimed") { $0.status == "dispatched" }
                try await eventually("the agent to have it") { minded.agent.requests.count == 2 }

                let (frozen, api) = try owner(of: held, in: fleet)
                frozen.pause()
                let done = try await fleet.item(id, "the other proxy to deliver it") { $0.status == "completed" }
                #expect(done.claims >= 2)
                minded.respondToFirst()
                frozen.resume()
                try await eventually("the frozen one to see that it is too late") {
                    let metrics = try await api.call(.get, "/metrics").text
                    return metrics.contains(#"switchyard_a2a_finished_total{status="stale"} 1"#)
                        || metrics.contains("switchyard_a2a_leases_lost_total 1")
                }
                #expect(try await fleet.item(id) == done)
                let item = try await fleet.proxies[0].call(.get, "/queue/\(id)")
                #expect(item.text.contains("second"))
                #expect(!item.text.contains("first"))
            }
        }

        @Test("Alone, it takes the item again, and ends its earlier call before it makes the next")
        func claimsItsOwn() async throws {
            try await A2AFleet.with(["A2A_IDLE_TIMEOUT_SECONDS": "60"]) { fleet in
                let work = try WorkingAgent()
                defer { work.stop() }
                let workspace = try await fleet.workspace(work.url)
                await fleet.proxyProcesses[1].kill9()
                work.isBusy = true
                let queued = try await fleet.proxies[0].send("hello", to: workspace.id, id: "own")
                let id = try #require(queued.json["queue_id"]?.string)
                work.isBusy = false
                work.holdsFirst = true
                try await fleet.beat(workspace)
                try await eventually("the agent to have it") { work.isRunning("own") }
                fleet.proxyProcesses[0].pause()
                try await fleet.item(id, "the lease to run out") { $0.status == "queued" }
                fleet.proxyProcesses[0].resume()
                try await fleet.item(id, "the item to be delivered") { $0.status == "completed" }
                try await eventually("the earlier call to be over") { !work.isRunning("own") }
                #expect(work.violations.isEmpty, "\(work.violations)")
            }
        }
    }
}
