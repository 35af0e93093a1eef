import HTTPCore
import Synchronization
import Testing
import TestSupport
import UVHTTPClient
import UVLoop

extension HTTPClientSuite {
    /// Every call ends, and the caller can keep one alive that shows life elsewhere.
    @Suite(.timeLimit(.minutes(5)))
    struct TimeoutTests {
        let client = makeClient()

        @Test func aSilentPeer() async throws {
            let server = try await ScriptedServer.start(loops) { _, _ in }
            defer { server.stop() }
            let error = try await failure {
                try await client.get(server.url) { $0.idleTimeout = IdleTimeout(.milliseconds(50)) }
            }
            #expect(error.kind == .idleTimeout)
            #expect(error.delivery == .uncertain)
            try await eventually("closed by us") { server.ended == 1 }
        }

        @Test func bytesAreLife() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                peer.trickle(
                    ["HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n"] + Array(repeating: "x", count: 20),
                    every: .milliseconds(175))
            }
            defer { server.stop() }
            let text = try await client.text(server.url) { $0.idleTimeout = IdleTimeout(.seconds(3)) }
            #expect(text.count == 20)
        }

        @Test func aBodyThatStops() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nxxx")
            }
            defer { server.stop() }
            let response = try await client.get(server.url) { $0.idleTimeout = IdleTimeout(.seconds(3)) }
            await #expect(throws: HTTPBodyError.timedOut) { try await response.text() }
        }

        @Test func lifeElsewhereKeepsACallAlive() async throws {
            let asked = Mutex(0)
            let waiting = Mutex<ScriptedServer.Peer?>(nil)
            let server = try await ScriptedServer.start(loops) { peer, _ in
                waiting.withLock { $0 = peer }
            }
            defer { server.stop() }
            let text = try await client.text(server.url) {
                $0.idleTimeout = IdleTimeout(.milliseconds(50)) {
                    let times = asked.withLock { asked in
                        asked += 1
                        return asked
                    }
                    if times >= 3, let peer = waiting.withLock({ $0 }) {
                        peer.stream.loop.execute { peer.answer("late") }
                    }
                    return .milliseconds(30)
                }
            }
            #expect(text == "late")
            #expect(asked.withLock { $0 } >= 3)
        }

        @Test func noLifeElsewhereEndsIt() async throws {
            let asked = Mutex(0)
            let server = try await ScriptedServer.start(loops) { _, _ in }
            defer { server.stop() }
            let error = try await failure {
                try await client.get(server.url) {
                    $0.idleTimeout = IdleTimeout(.milliseconds(20)) {
                        asked.withLock { asked in
                            asked += 1
                            return asked < 3 ? .milliseconds(10) : nil
                        }
                    }
                }
            }
            #expect(error.kind == .idleTimeout)
            #expect(asked.withLock { $0 } == 3)
        }

        @Test func theCeilingEndsEvenALivelyCall() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                peer.trickle(
                    ["HTTP/1.1 200 OK\r\n\r\n"] + Array(repeating: "x", count: 500), every: .milliseconds(30))
            }
            defer { server.stop() }
            let response = try await client.get(server.url) { $0.totalTimeout = .seconds(3) }
            await #expect(throws: HTTPBodyError.timedOut) { try await response.text() }
        }

        @Test func theCeilingIsAskedWhileNobodyKnowsOfLife() async throws {
            let server = try await ScriptedServer.start(loops) { _, _ in }
            defer { server.stop() }
            let error = try await failure {
                try await client.get(server.url) {
                    $0.totalTimeout = .seconds(1)
                    $0.idleTimeout = IdleTimeout(.milliseconds(20)) { .milliseconds(20) }
                }
            }
            #expect(error.kind == .totalTimeout)
            #expect(error.delivery == .uncertain)
        }

        /// A listener that accepts nothing and whose queue is full lets connection attempts hang.
        @Test func aConnectionThatIsNotMade() async throws {
            let full = try FullListener()
            defer { full.close() }
            for (change, kind) in [
                ({ $0.connectTimeout = .milliseconds(80) }, .connectTimeout),
                ({ $0.totalTimeout = .milliseconds(80) }, .totalTimeout),
            ] as [((inout ClientRequest) -> Void, HTTPClientError.Kind)] {
                let error = try await failure { try await client.get("http://127.0.0.1:\(full.port)/", change) }
                #expect(error.kind == kind)
                #expect(error.delivery == .notDelivered)
            }
        }

        @Test func waitingForAConnectionCounts() async throws {
            let server = try await ScriptedServer.start(loops) { _, _ in }
            defer { server.stop() }
            let client = makeClient { $0.maxConnectionsPerHost = 1 }
            try await onLoop {
                let first = Task(executorPreference: EventLoop.current) { try await client.get(server.url) }
                try await eventually("sent") { server.requests.count == 1 }
                let loop = try #require(EventLoop.current)
                let error = try await Task(executorPreference: loop) {
                    try await failure { try await client.get(server.url) { $0.connectTimeout = .milliseconds(50) } }
                }.value
                // The host is not to blame for it.
                #expect(error.kind == .overloaded)
                #expect(error.delivery == .notDelivered)
                first.cancel()
                #expect(try await failure { try await first.value }.kind == .cancelled)
            }
        }
    }
}
