import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

extension A2AHostilityTests {
    @Suite("Liveness and ceilings", .serialized)
    struct LivenessExtensionTests {
        /// An agent that responds after that time, if the call lasts.
        private func slowAgent(_ pause: Duration) throws -> HostileAgent {
            try HostileAgent { peer, _ in
                if peer.peerIsGone(within: pause) { peer.end() } else { peer.respond() }
            }
        }

        @Test("Heartbeats that arrive at the registry keep a call of the proxy alive, for as long as they come")
        func beatsElsewhere() async throws {
            try await A2AFleet.with { fleet in
                let agent = try slowAgent(.seconds(12))
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                let beating = Task { while !Task.isCancelled { try await fleet.beat(workspace) } }
                let response = try await fleet.proxies[0].send("slow", to: workspace.id)
                beating.cancel()
                #expect(response.status == 200, "\(response.text)")
                let metrics = try await fleet.proxies[0].call(.get, "/metrics").text
                #expect(metrics.contains(/switchyard_a2a_idle_resets_total [1-9]/))

                let silent = try await fleet.proxies[0].send("silent", to: workspace.id)
                #expect(silent.status == 202, "\(silent.text)")
            }
        }

        @Test(
            "A workspace's own idle timeout counts instead of the platform's",
            arguments: [(own: 1, common: 60, status: 202), (own: 20, common: 1, status: 200)])
        func override(own: Int, common: Int, status: Int) async throws {
            try await A2AFleet.with(["A2A_IDLE_TIMEOUT_SECONDS": "\(common)"]) { fleet in
                let agent = try slowAgent(.seconds(4))
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                try await fleet.beat(workspace, metadata: ["idle_timeout_seconds": .int(own)])
                let response = try await fleet.proxies[0].send("slow", to: workspace.id)
                #expect(response.status == status, "\(response.text)")
            }
        }

        @Test(
            "The ceiling of calls between agents, and what X-Timeout makes of it",
            arguments: [(nil, 202), ("0", 200), ("20", 200), ("2", 202), ("1.5", 202)])
        func ceiling(timeout: String?, status: Int) async throws {
            let settings = ["A2A_IDLE_TIMEOUT_SECONDS": "60", "A2A_CALL_CEILING_SECONDS": "3"]
            try await A2AFleet.with(settings) { fleet in
                let agent = try slowAgent(.seconds(9))
                defer { agent.stop() }
                let caller = try await fleet.workspace(agent.url)
                let target = try await fleet.workspace(agent.url)
                let response = try await fleet.proxies[0].send("slow", to: target.id, from: caller, timeout: timeout)
                #expect(response.status == status, "\(response.text)")
            }
        }

        @Test("What is no timeout is refused by name, and nothing is sent")
        func badCeiling() async throws {
            try await A2AFleet.with { fleet in
                let agent = try HostileAgent { peer, _ in peer.respond() }
                defer { agent.stop() }
                let target = try await fleet.workspace(agent.url)
                for timeout in ["", "nonsense", "-1", "nan", "inf", "1e9", "1 s"] {
                    let response = try await fleet.proxies[0].send("x", to: target.id, timeout: timeout)
                    #expect(response.status == 400, "\(timeout): \(response.text)")
                    #expect(response.json["error"] == "invalid X-Timeout")
                    #expect(response.json["field"] == "X-Timeout")
                    #expect(response.json["reason"] == "must be seconds, 0 (no ceiling) to 604800")
                }
                #expect(agent.requests.isEmpty)
            }
        }

        @Test("A setting that is no number of seconds is named in the log, and does not keep the proxy from serving")
        func badSetting() async throws {
            try await A2AFleet.with(["A2A_IDLE_TIMEOUT_SECONDS": "soon"]) { fleet in
                let agent = try slowAgent(.seconds(3))
                defer { agent.stop() }
                let target = try await fleet.workspace(agent.url)
                #expect(try await fleet.proxies[0].send("slow", to: target.id).status == 200)
                for proxy in fleet.proxyProcesses {
                    let line = proxy.output.split(separator: "\n").first { $0.contains("bad configuration value") }
                    #expect(line?.contains("A2A_IDLE_TIMEOUT_SECONDS") == true && line?.contains("soon") == true)
                }
            }
        }
    }
}
