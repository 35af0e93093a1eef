import HTTPCore
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

/// Clients that are slow on purpose.
@Suite struct TimeoutTests {
    private static func shortTimeouts(_ configuration: inout HTTPServerConfiguration) {
        configuration.headTimeout = .seconds(1)
        configuration.idleTimeout = .seconds(1)
        configuration.bodyTimeout = .seconds(1)
        configuration.writeTimeout = .seconds(1)
        configuration.lingerTimeout = .milliseconds(100)
    }

    /// Sends a byte whenever nothing came back for a while, until the server responds or closes.
    private func drip(_ bytes: String, to client: RawClient) async {
        for byte in bytes {
            client.send(String(byte))
            if await client.receive(within: 0.04) || client.isAtEnd { return }
        }
    }

    @Test func aHeadThatDripsIsRefused() async throws {
        try await withServer(configure: Self.shortTimeouts) { server in
            let client = try server.client()
            await drip("GET /hello HTTP/1.1\r\nHost: x\r\nA: " + String(repeating: "b", count: 100), to: client)
            let response = try await client.response()
            #expect(response.status == 408)
            #expect(response.headers["connection"] == "close")
            #expect(await client.untilEnd())
        }
    }

    /// The part that is there came with the request before it.
    @Test func aHeadBehindARequestIsRefusedWhenItDoesNotGoOn() async throws {
        try await withServer(configure: Self.shortTimeouts) { server in
            let client = try server.client()
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HT")
            #expect(try await client.response().status == 200)
            #expect(try await client.response().status == 408)
            #expect(await client.untilEnd())
        }
    }

    @Test func aNewConnectionThatSaysNothingIsClosed() async throws {
        try await withServer(configure: Self.shortTimeouts) { server in
            let client = try server.client()
            #expect(await client.untilEnd())
            #expect(client.rest == "")
        }
    }

    @Test func emptyLinesDoNotKeepAConnection() async throws {
        try await withServer(configure: Self.shortTimeouts) { server in
            let client = try server.client()
            await drip(String(repeating: "\r\n", count: 100), to: client)
            #expect(await client.untilEnd())
            #expect(client.rest == "")
        }
    }

    @Test func anIdleConnectionIsClosed() async throws {
        try await withServer(configure: Self.shortTimeouts) { server in
            let client = try server.client()
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.response().status == 200)
            #expect(await client.untilEnd())
            #expect(client.rest == "")
        }
    }

    @Test(arguments: ["/echo", "/streamed"])
    func aBodyThatDripsIsRefused(path: String) async throws {
        try await withServer(
            configure: Self.shortTimeouts,
            routes: { router in
                router.on(.post, "/streamed", options: RouteOptions(streamsBody: true)) { request in
                    Response(.ok, body: .bytes(try await request.body.collect(upTo: .max)))
                }
            }
        ) { server in
            let client = try server.client()
            client.send("POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
            await drip(String(repeating: "b", count: 100), to: client)
            #expect(try await client.response().status == 408)
            #expect(await client.untilEnd())
        }
    }

    @Test func aSlowHandlerIsNotTheClientsFault() async throws {
        try await withServer(
            configure: Self.shortTimeouts,
            routes: { router in
                router.on(.post, "/slow") { request in
                    try await request.loop.sleep(for: .seconds(2))
                    return Response(.ok, body: .bytes(try await request.body.collect(upTo: .max)))
                }
            }
        ) { server in
            let client = try server.client()
            client.send("POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            #expect(try await client.response().text == "abc")
        }
    }

    @Test func aClientThatReadsNothingIsClosed() async throws {
        let ended = Flag()
        try await withServer(
            configure: Self.shortTimeouts,
            routes: { router in
                router.on(.get, "/flood") { _ in
                    .stream(contentType: "text/plain") { writer in
                        defer { ended.raise() }
                        while true { try await writer.write([UInt8](repeating: 0x61, count: 65536)) }
                    }
                }
                router.on(.get, "/large") { _ in
                    Response(.ok, body: .bytes([UInt8](repeating: 0x61, count: 32 << 20)))
                }
            }
        ) { server in
            let streaming = try RawClient(port: server.port, receiveBuffer: 8192)
            streaming.send("GET /flood HTTP/1.1\r\nHost: x\r\n\r\n")
            try await eventually("the stream ended") { ended.isRaised }
            let whole = try RawClient(port: server.port, receiveBuffer: 8192)
            whole.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            try await eventually("both connections are gone") { server.server.connectionCount == 0 }
        }
    }

    @Test func oneWhoReadsSlowlyButReadsGetsEverything() async throws {
        try await withServer(
            configure: { $0.writeTimeout = .seconds(5) },
            routes: { router in
                router.on(.get, "/large") { _ in
                    Response(.ok, body: .bytes([UInt8](repeating: 0x61, count: 16 << 20)))
                }
            }
        ) { server in
            let client = try RawClient(port: server.port, receiveBuffer: 65536)
            client.send("GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(try await client.response(within: 20).body.count == 16 << 20)
        }
    }

    /// There is always something that it has not taken, now more and now less of it.
    @Test func oneWhoReadsAStreamSlowlyButReadsIsNotCutOff() async throws {
        try await withServer(
            configure: { $0.writeTimeout = .seconds(4) },
            routes: { router in
                router.on(.get, "/flood") { _ in
                    .stream(contentType: "text/plain") { writer in
                        while true { try await writer.write([UInt8](repeating: 0x61, count: 65536)) }
                    }
                }
            }
        ) { server in
            let client = try RawClient(port: server.port, receiveBuffer: 8192)
            client.send("GET /flood HTTP/1.1\r\nHost: x\r\n\r\n")
            let end = ContinuousClock.now + .seconds(10)
            while ContinuousClock.now < end { try #require(await client.receive(), "it was cut off") }
        }
    }

    @Test func connectionsBeyondTheLimitAreClosed() async throws {
        try await withServer(configure: { $0.maxConnections = 2 }) { server in
            let kept = [try server.client(), try server.client()]
            for client in kept {
                client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await client.response().status == 200)
            }
            #expect(try await server.client().untilEnd())
        }
    }
}
