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

        /// A server that sends a head, and bytes of the body when the test wants them.
        private func withBody(
            _ body: (ManualClient, any HTTPByteSource, _ send: (String) -> Void) async throws -> Void,
            _ change: (inout ClientRequest) -> Void
        ) async throws {
            let peers = Mutex<ScriptedServer.Peer?>(nil)
            let server = try await ScriptedServer.start(loops) { peer, _ in
                peers.withLock { $0 = peer }
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
            }
            let manual = ManualClient()
            defer {
                manual.stop()
                server.stop()
            }
            let response = try await manual.client.get(server.url, change)
            guard case .stream(let source) = response.body else {
                Issue.record("not streamed")
                return
            }
            let peer = try #require(peers.withLock { $0 })
            try await body(manual, source) { text in peer.stream.loop.execute { peer.send(text) } }
        }

        @Test func bytesExtendTheIdleTimeout() async throws {
            try await withBody { manual, source, send in
                for _ in 0..<20 {
                    send("x")
                    let chunk = try await source.next()
                    #expect(chunk == [UInt8(ascii: "x")])
                    await manual.advance(by: .milliseconds(2999))
                }
            } _: {
                $0.idleTimeout = IdleTimeout(.seconds(3))
            }
        }

        @Test func aBodyThatStops() async throws {
            try await withBody { manual, source, send in
                send("xxx")
                let chunk = try await source.next()
                #expect(chunk?.count == 3)
                await manual.advance(by: .milliseconds(2999))
                let rest = Task { try await source.next() }
                await manual.advance(by: .milliseconds(1))
                await #expect(throws: HTTPBodyError.timedOut) { try await rest.value }
            } _: {
                $0.idleTimeout = IdleTimeout(.seconds(3))
            }
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
            try await withBody { manual, source, send in
                for _ in 0..<3 {
                    send("x")
                    let chunk = try await source.next()
                    #expect(chunk == [UInt8(ascii: "x")])
                    await manual.advance(by: .milliseconds(999))
                }
                send("x")
                let chunk = try await source.next()
                #expect(chunk == [UInt8(ascii: "x")])
                await manual.advance(by: .milliseconds(3))
                await #expect(throws: HTTPBodyError.timedOut) { try await source.next() }
            } _: {
                $0.totalTimeout = .seconds(3)
            }
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
