import Foundation
import HTTPCore
import Synchronization
import Testing
import TestSupport

extension A2AHostilityTests {
    @Suite("Streams", .serialized)
    struct StreamingTests {
        private static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

        @Test("Each event counts as liveness; a stream that falls silent is broken off, and the reader sees it")
        func eventsAreLiveness() async throws {
            try await A2AFleet.with { fleet in
                let agent = try HostileAgent { peer, request in
                    peer.send(Self.head)
                    peer.trickle((0..<8).map { "data: \($0)\n\n" }, every: .seconds(1))
                    if request.body.contains("fall silent") { peer.hang() }
                    peer.end()
                }
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                let whole = try await fleet.proxies[0].send("to the end", to: workspace.id)
                #expect(whole.status == 200)
                #expect(whole.headers["content-type"] == "text/event-stream")
                #expect(whole.text == (0..<8).map { "data: \($0)\n\n" }.joined())
                await #expect(throws: HTTPBodyError.self) {
                    try await fleet.proxies[0].send("fall silent", to: workspace.id)
                }
            }
        }

        @Test("The work goes on when the reader hangs up: the agent's stream is read to its end")
        func readerHangsUp() async throws {
            try await A2AFleet.with { fleet in
                let sent = Mutex(0)
                let agent = try HostileAgent { peer, _ in
                    peer.send(Self.head)
                    let event = "data: \(String(repeating: "x", count: 10_000))\n\n"
                    for _ in 0..<2000 where peer.send(event) { sent.withLock { $0 += 1 } }
                    peer.end()
                }
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                let reader = try StreamReader(port: fleet.proxyProcesses[0].port, workspace: workspace.id)
                try await eventually("the stream to begin") { reader.readSome().contains("event-stream") }
                reader.close()
                try await eventually("the agent to get rid of everything") { sent.withLock { $0 } == 2000 }
            }
        }
    }
}
