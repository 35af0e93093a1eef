import Concurrency
import HTTPCore
import Synchronization
import Testing
import TestSupport
import UVHTTPClient
import UVLoop

extension HTTPClientSuite {
    /// Sharing connections: limits, waiting, stale ones, cancellation, back-pressure.
    @Suite(.timeLimit(.minutes(5)))
    struct PoolTests {
        @Test func aStaleConnectionIsReplacedOnce() async throws {
            // The first connection serves one request and closes at the second without a word.
            let server = try await ScriptedServer.start(loops) { peer, _ in
                if peer.number == 0, peer.requests == 2 { peer.close() } else { peer.answer("\(peer.number)") }
            }
            defer { server.stop() }
            let client = makeClient()
            try await onLoop {
                #expect(try await client.get(server.url).wasRetried == false)
                var request = try ClientRequest(.post, server.url, body: .bytes([0x61]))
                request.retriesStaleConnection = true
                let second = try await client.send(request)
                #expect(second.wasRetried)
                #expect(try await second.text() == "1")
            }
            #expect(server.requests.map(\.body) == ["", "a", "a"])
        }

        /// Unless its caller says that it may: the peer may have acted before it closed.
        @Test(arguments: [(HTTPMethod.post, 2), (.patch, 2), (.put, 3), (.delete, 3), (.get, 3)])
        func whatMustNotBeDoneTwiceIsNotSentTwice(_ method: HTTPMethod, _ requests: Int) async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                if peer.number == 0, peer.requests == 2 { peer.close() } else { peer.answer("ok") }
            }
            defer { server.stop() }
            let client = makeClient()
            try await onLoop {
                _ = try await client.get(server.url)
                let wasAnswered = (try? await client.send(ClientRequest(method, server.url))) != nil
                #expect(wasAnswered == (requests == 3))
            }
            #expect(server.requests.count == requests)
        }

        @Test func theSecondTrySaysThatItIsOne() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                if peer.number == 0, peer.requests == 2 { peer.close() } else { peer.answer("ok") }
            }
            defer { server.stop() }
            let client = makeClient()
            try await onLoop {
                _ = try await client.get(server.url)
                _ = try await client.get(server.url) {
                    $0.headers = ["X-Try": "1", "X-Other": "same"]
                    $0.retryHeaders = ["X-Try": "2"]
                }
            }
            let heads = server.requests.dropFirst().map { $0.head.lowercased() }
            #expect(heads.map { $0.contains("x-try: 1\r\n") } == [true, false])
            #expect(heads.map { $0.contains("x-try: 2\r\n") } == [false, true])
            #expect(heads.allSatisfy { $0.contains("x-other: same\r\n") })
        }

        @Test func nothingIsSentBehindARequestThatThePeerDoesNotRead() async throws {
            let server = try await ScriptedServer.start(loops, atHead: true) { peer, _ in
                peer.stream.stopReading()
                peer.answer("\(peer.number)")
            }
            defer { server.stop() }
            let client = makeClient()
            // More than the kernel takes for a peer that does not read.
            let large = [UInt8](repeating: 0x61, count: 32 << 20)
            try await onLoop {
                for number in 0..<3 {
                    let request = try ClientRequest(.post, server.url, body: .bytes(large))
                    #expect(try await client.send(request).text() == "\(number)")
                }
            }
        }

        @Test func theReplacementIsNotReplaced() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                if peer.number == 0, peer.requests == 1 { peer.answer("ok") } else { peer.close() }
            }
            defer { server.stop() }
            let client = makeClient()
            try await onLoop {
                _ = try await client.get(server.url)
                let error = try await failure { try await client.get(server.url) }
                #expect(error.kind == .endOfFile)
                #expect(error.wasRetried)
                #expect(error.delivery == .uncertain)
            }
            #expect(server.requests.count == 3)
        }

        @Test func aCallerMayForbidTheSecondTry() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                if peer.requests == 2 { peer.close() } else { peer.answer("ok") }
            }
            defer { server.stop() }
            let client = makeClient()
            try await onLoop {
                _ = try await client.get(server.url)
                let error = try await failure { try await client.get(server.url) { $0.retriesStaleConnection = false } }
                #expect(error.kind == .endOfFile)
                #expect(!error.wasRetried)
            }
            #expect(server.requests.count == 2)
        }

        @Test func aByteOfAnAnswerForbidsTheSecondTry() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                if peer.requests == 2 { peer.trickle(["H"]) { peer.close() } } else { peer.answer("ok") }
            }
            defer { server.stop() }
            let client = makeClient()
            try await onLoop {
                _ = try await client.get(server.url)
                let error = try await failure { try await client.get(server.url) }
                #expect(!error.wasRetried)
            }
            #expect(server.requests.count == 2)
        }

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

        @Test func idleConnectionsAreClosedInTheEnd() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in peer.answer("ok") }
            defer { server.stop() }
            let client = makeClient { $0.idleConnectionTTL = .milliseconds(40) }
            _ = try await client.get(server.url)
            try await eventually("closed by us") { server.ended == 1 }
        }

        @Test func aClientThatGoesAwayClosesItsConnections() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in peer.answer("ok") }
            defer { server.stop() }
            var client: HTTPClient? = makeClient()
            _ = try await client?.get(server.url)
            client = nil
            try await eventually("closed by us") { server.ended == 1 }
        }

        @Test func cancellingACallClosesItsConnection() async throws {
            let server = try await ScriptedServer.start(loops) { _, _ in }
            defer { server.stop() }
            let client = makeClient()
            let call = Task { try await client.get(server.url) }
            try await eventually("sent") { server.requests.count == 1 }
            call.cancel()
            let error = try await failure { try await call.value }
            #expect(error.kind == .cancelled)
            #expect(error.delivery == .uncertain)
            try await eventually("closed by us") { server.ended == 1 }
        }

        @Test func cancelledBeforeItBegan() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in peer.answer("ok") }
            defer { server.stop() }
            let client = makeClient()
            let call = Task {
                while !Task.isCancelled { await Task.yield() }
                return try await client.get(server.url)
            }
            call.cancel()
            #expect(try await failure { try await call.value }.kind == .cancelled)
            #expect(server.connections == 0)
        }

        @Test func droppingABodyUnreadClosesItsConnection() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123")
            }
            defer { server.stop() }
            let client = makeClient()
            _ = try await client.get(server.url)
            try await eventually("closed by us") { server.ended == 1 }
        }

        @Test func aSlowReaderSlowsThePeerDown() async throws {
            let total = 32 << 20
            let bytes = [UInt8](repeating: 1, count: total)
            let server = try await ScriptedServer.start(loops) { peer, _ in
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: \(total)\r\n\r\n")
                peer.stream.write(bytes)
            }
            defer { server.stop() }
            let client = makeClient()
            let response = try await client.get(server.url) { $0.idleTimeout = IdleTimeout(.seconds(3)) }
            guard case .stream(let source) = response.body else {
                Issue.record("not streamed")
                return
            }
            let first = try #require(try await source.next())
            // Not reading is not the peer's fault: the idle timeout does not run, which only time can show: longer than the
            // timeout nothing happens. What waits here stays bounded.
            try await Task.sleep(for: .seconds(4))
            let second = try #require(try await source.next())
            #expect(second.count <= (64 << 10) * 2)
            var read = first.count + second.count
            while let chunk = try await source.next() { read += chunk.count }
            #expect(read == total)
        }

        @Test func aStreamedRequestWaitsForThePeer() async throws {
            let source = ChunkSource(repeating: [UInt8](repeating: 1, count: 65536), count: 1000)
            let client = makeClient()
            let full = try FullListener(backlog: 8, fillers: 0)
            defer { full.close() }
            let request = try ClientRequest(.post, "http://127.0.0.1:\(full.port)/", body: .stream(source))
            let call = Task { try await client.send(request) }
            try await eventually("some is sent") { source.taken > 1 }
            call.cancel()
            #expect(try await failure { try await call.value }.kind == .cancelled)
            #expect(source.taken < 500)
            #expect(source.isCancelled)
        }

        @Test func anAnswerBeforeTheRequestsEndClosesTheConnection() async throws {
            let server = try await ScriptedServer.start(loops, atHead: true) { peer, _ in
                peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
            }
            defer { server.stop() }
            let source = StalledSource()
            let client = makeClient()
            let response = try await client.send(ClientRequest(.post, server.url, body: .stream(source)))
            #expect(response.status == 413)
            try await eventually("closed by us") { server.ended == 1 }
            try await eventually("source told") { source.isCancelled }
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
