import HTTPCore
import Testing
import TestSupport
import UVHTTPClient

/// When a connection is closed by us.
extension HTTPClientSuite.PoolTests {
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
}
