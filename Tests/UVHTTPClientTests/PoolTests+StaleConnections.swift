import HTTPCore
import Testing
import UVHTTPClient

/// What is sent again when the peer has closed a connection that was kept open.
extension HTTPClientSuite.PoolTests {
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
}
