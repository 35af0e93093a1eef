import Concurrency
import HTTPCore
import Synchronization
import Testing
import TestSupport
import UVHTTPClient
import UVLoop

extension HTTPClientSuite {
    /// Sharing connections: limits, and waiting for a place.
    @Suite(.timeLimit(.minutes(5)))
    struct PoolTests {
        @Test func callsWaitTheirTurnAndNoMoreThanAllowed() async throws {
            let running = Mutex((now: 0, most: 0))
            let refused = Tally()
            @Sendable func answer(_ peer: ScriptedServer.Peer) {
                peer.stream.loop.schedule(after: .milliseconds(10)) {
                    // Until all have asked, so that nobody gets a place that has become free.
                    guard refused.count == 3 else { return answer(peer) }
                    running.withLock { $0.now -= 1 }
                    peer.answer("ok")
                }
            }
            let server = try await ScriptedServer.start(loops) { peer, _ in
                running.withLock {
                    $0.now += 1; $0.most = max($0.most, $0.now)
                }
                answer(peer)
            }
            defer { server.stop() }
            let client = makeClient {
                $0.maxConnectionsPerHost = 2
                $0.maxWaitingPerHost = 3
            }
            let loop = loops.next()
            let results = await withTaskGroup(of: HTTPClientError.Kind?.self) { group in
                for _ in 0..<8 {
                    group.addTask(executorPreference: loop) {
                        do {
                            _ = try await client.get(server.url)
                            return nil
                        } catch {
                            refused.add()
                            return (error as? HTTPClientError)?.kind
                        }
                    }
                }
                return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(results == [nil: 5, .overloaded: 3])
            #expect(running.withLock { $0.most } == 2)
            #expect(server.connections == 2)
        }

        /// However long the connections hang for which it waited.
        @Test func aCallThatWaitedInVainIsLetGo() async throws {
            let server = try await ScriptedServer.start(loops) { _, _ in }
            defer { server.stop() }
            let client = makeClient { $0.maxConnectionsPerHost = 1 }
            let loop = loops.next()
            let running = Task(executorPreference: loop) { try await client.get(server.url) }
            try await eventually("sent") { server.requests.count == 1 }
            let bodies = (0..<10).map { _ in Weak(ChunkSource(["x"])) }
            // From the middle, from both ends.
            for (number, body) in bodies.enumerated() {
                let source = try #require(body.take())
                Task(executorPreference: loop) {
                    var request = try ClientRequest(.post, server.url, body: .stream(source))
                    request.connectTimeout = .milliseconds([30, 10, 60][number % 3])
                    _ = try await client.send(request)
                }
            }
            try await eventually("the bodies to be freed") { bodies.allSatisfy(\.isGone) }
            running.cancel()
            _ = try? await running.value
            // The queue is in order: who comes next has the connection's place.
            #expect(server.requests.count == 1)
        }

        /// Neither connections that are refused at once nor requests that cannot be sent start each other on the stack.
        @Test(arguments: [false, true])
        func manyThatFailAtOnce(withWrongRequests: Bool) async throws {
            let gate = Gate()
            let server = try await ScriptedServer.start(loops) { peer, _ in
                Task(executorPreference: peer.stream.loop) {
                    await gate.wait()
                    if withWrongRequests { peer.answer("ok") } else { peer.close() }
                }
            }
            defer { server.stop() }
            let count = 20_000
            let waiting = Tally()
            let client = HTTPClient(
                group: loops,
                configuration: {
                    var configuration = HTTPClientConfiguration()
                    configuration.maxConnectionsPerHost = 1
                    configuration.maxWaitingPerHost = count
                    return configuration
                }(),
                addressPolicy: { _, request in
                    request.headers.contains("x-refused") ? .refused(reason: "test") : .allowed
                })
            let loop = loops.next()
            let first = Task(executorPreference: loop) { try? await client.get(server.url) }
            try await eventually("sent") { server.requests.count == 1 }
            let wanted = withWrongRequests ? HTTPClientError.Kind.invalidRequest : .unsafeAddress
            let failed = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<count {
                    group.addTask(executorPreference: loop) {
                        waiting.add()
                        do {
                            _ = try await client.get(server.url) {
                                $0.headers = withWrongRequests ? ["x": "a\nb"] : ["x-refused": "1"]
                                $0.connectTimeout = .seconds(300)
                            }
                            return false
                        } catch {
                            return (error as? HTTPClientError)?.kind == wanted
                        }
                    }
                }
                group.addTask {
                    try? await eventually("all to wait") { waiting.count == count }
                    gate.open()
                    return true
                }
                return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(failed == count + 1)
            _ = await first.value
        }

        @Test func aPlaceIsFreeAgainAfterEveryKindOfEnd() async throws {
            let server = try await ScriptedServer.start(loops) { peer, request in
                if request.head.contains("/close") { peer.close() }
                if request.head.contains("/garbage") { peer.send("garbage\r\n\r\n") }
                if request.head.contains("/ok") { peer.answer("ok") }
            }
            defer { server.stop() }
            let client = makeClient { $0.maxConnectionsPerHost = 1 }
            try await onLoop {
                for path in ["close", "garbage", "silence", "ok", "close", "ok"] {
                    _ = try? await client.get(server.url + path) { $0.idleTimeout = IdleTimeout(.milliseconds(20)) }
                }
                let text = try await client.text(server.url + "ok")
                #expect(text == "ok")
            }
        }

        @Test func twoThousandCallsInFlight() async throws {
            let peers = Mutex<[ScriptedServer.Peer]>([])
            let server = try await ScriptedServer.start(loops) { peer, request in
                peers.withLock { $0.append(peer) }
            }
            defer { server.stop() }
            let client = makeClient {
                $0.maxConnectionsPerHost = 4000
                $0.connectTimeout = .seconds(60)
            }
            let calls = (0..<2000).map { number in
                Task { try await client.text(server.url + "\(number)") }
            }
            try await eventually("all are in flight") { server.requests.count == 2000 }
            for peer in peers.withLock({ $0 }) {
                peer.stream.loop.execute { peer.answer("done") }
            }
            for call in calls { #expect(try await call.value == "done") }
        }
    }
}

/// What tasks have counted.
private final class Tally: Sendable {
    private let value = Atomic<Int>(0)

    var count: Int { value.load(ordering: .relaxed) }
    func add() { value.add(1, ordering: .relaxed) }
}

/// An object that is handed over once, and watched from then on.
private final class Weak<Object: AnyObject & Sendable>: Sendable {
    private struct State {
        var object: Object?
        weak var seen: Object?
    }

    private let state: Mutex<State>

    init(_ object: Object) {
        state = Mutex(State(object: object, seen: object))
    }

    func take() -> Object? {
        state.withLock { state in
            defer { state.object = nil }
            return state.object
        }
    }

    var isGone: Bool { state.withLock { $0.object == nil && $0.seen == nil } }
}
