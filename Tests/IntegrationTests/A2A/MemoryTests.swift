import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

extension A2AHostilityTests {
    @Suite("Memory of the proxy", .serialized)
    struct MemoryTests {
        private static let gigabytes = 10 << 30
        private static let limit = 10 << 20

        @Test("Responses of 10 GB are cut at 10 MiB, announced or not, and leave nothing behind")
        func endlessResponses() async throws {
            try await A2AFleet.with { fleet in
                let chunk = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 16)
                let announced = try HostileAgent { peer, _ in
                    peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(Self.gigabytes)\r\n\r\n")
                    while peer.send(chunk) {}
                    peer.end()
                }
                defer { announced.stop() }
                let chunked = try HostileAgent { peer, _ in
                    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                    while peer.send("10000\r\n"), peer.send(chunk), peer.send("\r\n") {}
                    peer.end()
                }
                defer { chunked.stop() }
                let targets = [
                    try await fleet.workspace(announced.url), try await fleet.workspace(chunked.url),
                ]
                let proxy = fleet.proxyProcesses[0]
                let idle = try ProcessMemory.resident(proxy)
                var rounds: [Int] = []
                for _ in 0..<6 {
                    try await withThrowingTaskGroup(of: API.ReceivedResponse.self) { group in
                        for number in 0..<4 {
                            group.addTask {
                                try await fleet.proxies[0].send("all", to: targets[number % 2].id)
                            }
                        }
                        for try await response in group {
                            #expect(response.status == 502)
                            #expect(response.json["error"]?.string == "failed to read agent response")
                            #expect(response.json["delivery_confirmed"]?.bool == true)
                        }
                    }
                    rounds.append(try ProcessMemory.resident(proxy))
                }
                let peak = try ProcessMemory.peak(proxy)
                // Two responses of unknown length at once, each of which may double as it grows.
                #expect(peak - idle < 8 * Self.limit, "idle \(idle), peak \(peak)")
                #expect(rounds[5] - rounds[1] < 2 * Self.limit, "resident after each round: \(rounds)")
            }
        }

        @Test("A reader that stops reading an endless stream costs bounded memory, and holds the agent up")
        func stalledReader() async throws {
            try await A2AFleet.with { fleet in
                let event = "data: \(String(repeating: "x", count: 60_000))\n\n"
                let agent = try HostileAgent { peer, _ in
                    peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
                    while peer.send(event) {}
                    peer.end()
                }
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                let proxy = fleet.proxyProcesses[0]
                let readers = try (0..<20).map { _ in
                    try StreamReader(port: proxy.port, workspace: workspace.id)
                }
                defer { for reader in readers { reader.close() } }
                for reader in readers {
                    try await eventually("a stream to begin") { reader.readSome().contains("text/event-stream") }
                }
                try await eventually("all agents to be called") { agent.requests.count == readers.count }
                // A client that reads goes on meanwhile, past what many buffers could hold; until those of the
                // others are full, it is not measured.
                let active = try StreamReader(port: proxy.port, workspace: workspace.id)
                defer { active.close() }
                _ = try await onThread { active.read(8 << 20) }
                let before = try ProcessMemory.resident(proxy)
                let read = try await onThread { active.read(64 << 20) }
                #expect(read >= 64 << 20)
                let after = try ProcessMemory.resident(proxy)
                #expect(after - before < 10 << 20, "before \(before), after \(after)")
            }
        }
    }
}
