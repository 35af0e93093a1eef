import Foundation
import HTTPCore
import JSONBytes
import Testing
import TestSupport

extension A2AHostilityTests {
    @Suite("Content codings and bytes", .serialized)
    struct ContentCodingTests {
        private func coded(_ peer: HostileConnection, _ body: [UInt8], _ coding: String = "gzip") {
            peer.send(
                """
                HTTP/1.1 200 OK\r
                Content-Type: application/json\r
                Content-Encoding: \(coding)\r
                Content-Length: \(body.count)\r
                \r

                """)
            peer.send(body)
        }

        @Test("A response that comes compressed, unrequested, is the response: at once, out of the queue, and repeated")
        func responses() async throws {
            try await A2AFleet.with { fleet in
                let gzip = Compressed.bytes(Array(HostileConnection.response.utf8))
                let agent = try HostileAgent { peer, _ in coded(peer, gzip) }
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                let direct = try await fleet.proxies[0].send("x", to: workspace.id)
                #expect(direct.status == 200)
                #expect(direct.text == HostileConnection.response)
                #expect(direct.headers["content-encoding"] == nil)
                #expect(agent.requests[0].head.lowercased().contains("accept-encoding: identity\r\n"))

                agent.behave { peer, _ in coded(peer, [1, 2, 3], "br") }
                let unreadable = try await fleet.proxies[0].send("x", to: workspace.id)
                #expect(unreadable.status == 502)
                #expect(unreadable.json["error"] == "failed to read agent response")
                #expect(unreadable.json["delivery_confirmed"] == true)

                agent.behave { peer, _ in peer.respond("{}", status: "503 Unavailable") }
                let queued = try await fleet.proxies[0].send("x", to: workspace.id)
                let id = try #require(queued.json["queue_id"]?.string)
                agent.behave { peer, _ in coded(peer, gzip) }
                try await fleet.beat(workspace)
                try await fleet.item(id, "it to be delivered") { $0.status == "completed" }
                let item = try await fleet.proxies[1].call(.get, "/queue/\(id)")
                #expect(item.json["response"]?["result"]?["parts"]?[0]?["text"] == "done")
                #expect(item.json["response_base64"] == nil)
            }
        }

        @Test("A response that is no text comes out of the queue as it went in")
        func bytes() async throws {
            try await A2AFleet.with { fleet in
                let agent = try HostileAgent { peer, _ in peer.respond("{}", status: "503 Unavailable") }
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                let queued = try await fleet.proxies[0].send("x", to: workspace.id)
                let id = try #require(queued.json["queue_id"]?.string)
                let body: [UInt8] = [0xff, 0x00, 0xfe, 0x22]
                agent.behave { peer, _ in
                    peer.send("HTTP/1.1 200 OK\r\nContent-Type: image/x\r\nContent-Length: 4\r\n\r\n")
                    peer.send(body)
                }
                try await fleet.beat(workspace)
                try await fleet.item(id, "it to be delivered") { $0.status == "completed" }
                let item = try await fleet.proxies[1].call(.get, "/queue/\(id)")
                #expect(item.json["response_base64"]?.string == Data(body).base64EncodedString())
                #expect(item.json["response"]?.string?.hasSuffix("\"") == true)
            }
        }

        @Test("A request in a coding of its own is refused, after its credentials are checked")
        func requests() async throws {
            try await A2AFleet.with { fleet in
                let agent = try HostileAgent { peer, _ in peer.respond() }
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                let body = Compressed.bytes(Array(#"{"method":"message/send","params":{}}"#.utf8))
                let paths = ["/workspaces/\(workspace.id)/a2a", "/agents/\(workspace.id)"].map {
                    (fleet.proxies[0], $0)
                }
                let others = [
                    (fleet.proxies[0], "/workspaces/\(workspace.id)/delegate"), (fleet.registry, "/workspaces"),
                    (fleet.registry, "/registry/heartbeat"),
                ]
                for (api, path) in paths + others {
                    let bearer = path.hasPrefix("/registry") ? workspace.token : Platform.adminToken
                    for (bearer, status) in [(bearer, 415), ("wrong", path.hasPrefix("/registry") ? 415 : 401)] {
                        let response = try await api.raw(
                            .post, path, bearer: bearer, body: body, type: "application/json",
                            headers: [("Content-Encoding", "gzip")])
                        #expect(response.status == status, "\(path): \(response.text)")
                    }
                }
                #expect(agent.requests.isEmpty)
            }
        }

        @Test("Streams are calls in flight, with or without their readers")
        func streamsAreCounted() async throws {
            // The three must all be there before the agent has been silent for too long.
            try await A2AFleet.with(["A2A_MAX_CALLS": "3", "A2A_IDLE_TIMEOUT_SECONDS": "10"]) { fleet in
                let event = "data: x\n\n"
                let agent = try HostileAgent { peer, _ in
                    peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + event)
                    peer.hang()
                }
                defer { agent.stop() }
                let workspace = try await fleet.workspace(agent.url)
                func inFlight() async throws -> String? {
                    let text = try await fleet.proxies[0].call(.get, "/metrics").text
                    return text.split(separator: "\n").last { $0.hasPrefix("switchyard_a2a_calls_in_flight ") }?
                        .split(separator: " ").last.map { String($0) }
                }
                let readers = try (0..<3).map { _ in
                    try StreamReader(port: fleet.proxyProcesses[0].port, workspace: workspace.id)
                }
                for reader in readers {
                    try await eventually("a stream to begin") { reader.readSome().contains("event-stream") }
                }
                #expect(try await inFlight() == "3")
                readers[0].close()
                let refused = try await fleet.proxies[0].send("x", to: workspace.id)
                #expect(refused.status == 503)
                #expect(refused.json["code"] == "too_many_calls")
                #expect(refused.headers["retry-after"] != nil)
                #expect(agent.requests.count == 3)
                for reader in readers[1...] { reader.close() }
                // The agent falls silent, which ends them.
                try await eventually("the calls to end") { try await inFlight() == "0" }
            }
        }
    }
}
