import Foundation
import HTTPCore
import JSONBytes
import Synchronization
import Testing
import TestSupport

extension A2AHostilityTests {
    @Suite("Connections to agents that are kept", .serialized)
    struct ConnectionTests {
        @Test("A message whose kept connection dies under it goes out once more, and says that it does")
        func diesOnReuse() async throws {
            try await A2AFleet.with { fleet in
                let agent = try HostileAgent { peer, request in
                    if request.body.contains("fatal"), request.attempt == nil { return peer.end() }
                    peer.respond()
                }
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                #expect(try await fleet.proxies[0].send("harmless", to: workspace.id).status == 200)
                #expect(try await fleet.proxies[0].send("fatal", to: workspace.id, id: "the-message").status == 200)
                let deliveries = agent.requests.filter { $0.messageID == "the-message" }
                #expect(deliveries.map(\.attempt) == [nil, 2])
                #expect(agent.connections == 2)
            }
        }

        @Test("Once an agent responded twice, none of its responses is taken for another message's")
        func secondResponse() async throws {
            try await A2AFleet.with { fleet in
                let number = Mutex(0)
                let agent = try HostileAgent { peer, _ in
                    let mine = number.withLock { number in
                        number += 1
                        return number
                    }
                    peer.respond("{\"result\":\(mine)}")
                    peer.respond("{\"result\":\"stale\"}")
                }
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                for round in 1...20 {
                    let response = try await fleet.proxies[0].send("hello", to: workspace.id)
                    #expect(response.text == "{\"result\":\(round)}")
                    #expect(agent.connections == round)
                    if round == 1 { try await eventually("the surplus to be noticed") { agent.openConnections == 0 } }
                }
            }
        }
    }
}
