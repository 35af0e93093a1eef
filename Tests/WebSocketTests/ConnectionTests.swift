import Foundation
import HTTPCore
import Synchronization
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

@testable import WebSocket

@Suite("WebSocket connections")
struct ConnectionTests {
    /// What the server's side of the connections has said.
    private final class Server: Sendable {
        let ended = Atomic(0)
        let opened = Mutex<[LoopBound<WebSocketConnection>]>([])
    }

    private func withServer(
        _ configuration: WebSocketConnection.Configuration = .init(),
        _ body: (PlainConnection, Server) async throws -> Void
    ) async throws {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let state = Server()
        var router = Router()
        router.on(.get, "/ws") { request in
            try WebSocketHandshake(request).makeResponse { stream, ahead in
                let connection = WebSocketConnection(stream, configuration)
                connection.onClose = { state.ended.wrappingAdd(1, ordering: .relaxed) }
                connection.start(ahead: ahead)
                let bound = LoopBound(connection, on: connection.loop)
                state.opened.withLock { $0.append(bound) }
            }
        }
        let server = HTTPServer(group: group, router: router)
        let client = try PlainConnection(port: try await server.start())
        client.send(
            """
            GET /ws HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n
            """)
        let head = client.receive(until: { $0.suffix(4) == Array("\r\n\r\n".utf8) })
        #expect(String(decoding: head, as: UTF8.self).hasPrefix("HTTP/1.1 101 "))
        try await body(client, state)
        await server.drain(within: .zero)
    }

    private func ends(_ state: Server) async throws {
        try await eventually("the server has let go") { state.ended.load(ordering: .relaxed) == 1 }
    }

    @Test("close as both sides agree: the server responds, and ends the connection first")
    func closing() async throws {
        try await withServer { client, state in
            client.send(ClientFrame.close(1000).bytes)
            #expect(ServerFrame.read(client.receiveAll()) == [.close(1000, [])])
            try await ends(state)
        }
    }

    @Test("end when the client goes without a word")
    func gone() async throws {
        try await withServer { client, state in
            client.hangUp()
            try await ends(state)
        }
    }

    @Test("ping, and end when nothing comes back")
    func dead() async throws {
        var configuration = WebSocketConnection.Configuration()
        configuration.pingInterval = .seconds(1)
        try await withServer(configuration) { client, state in
            // The first is responded to, the next is not.
            #expect(ServerFrame.read(client.receive(until: { $0.count >= 2 })) == [.ping([])])
            client.send(ClientFrame.pong().bytes)
            #expect(ServerFrame.read(client.receive(until: { $0.count >= 2 })) == [.ping([])])
            try await ends(state)
            // Broken off: there is nobody to say farewell to.
            let rest = ServerFrame.read(client.receiveAll())
            #expect(rest.allSatisfy { $0 == .ping([]) }, "\(rest)")
        }
    }

    @Test("end where the client says more than it may")
    func flood() async throws {
        var configuration = WebSocketConnection.Configuration()
        configuration.maxReceivedBytes = 10_000
        try await withServer(configuration) { client, state in
            for _ in 0..<20 { client.send(ClientFrame.binary([UInt8](repeating: 1, count: 1000)).bytes) }
            #expect(ServerFrame.read(client.receiveAll()).contains(.close(1008, Array("too much received".utf8))))
            try await ends(state)
        }
    }

    @Test("read no further while the client reads no responses")
    func backPressure() async throws {
        var configuration = WebSocketConnection.Configuration()
        configuration.maxReceivedBytes = nil
        // That the client is gone is seen by its pings alone.
        configuration.pingInterval = .seconds(5)
        try await withServer(configuration) { client, state in
            // Far more pongs than the system's buffers hold: the server must stop reading, and the client is stopped.
            let pings = ClientFrame.ping([UInt8](repeating: 7, count: 125)).bytes
            let batch = Array(repeating: pings, count: 500).flatMap { $0 }
            var sent = 0
            while sent < 1000, client.send(batch, withinMilliseconds: 500) { sent += 1 }
            #expect(sent < 1000)
            let connection = try #require(state.opened.withLock { $0.first })
            let pending = await withUnsafeContinuation { (continuation: UnsafeContinuation<Int, Never>) in
                connection.loop.execute { continuation.resume(returning: connection.value.pendingBytes) }
            }
            #expect(pending < 1 << 20)
            client.hangUp()
            try await ends(state)
        }
    }

    @Test("the client's bytes behind its handshake are not lost")
    func ahead() async throws {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        var router = Router()
        router.on(.get, "/ws") { request in
            try WebSocketHandshake(request).makeResponse { stream, ahead in
                WebSocketConnection(stream).start(ahead: ahead)
            }
        }
        let server = HTTPServer(group: group, router: router)
        let client = try PlainConnection(port: try await server.start())
        let head = """
            GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n
            """
        client.send(Array(head.utf8) + ClientFrame.ping([9]).bytes + ClientFrame.close(1001).bytes)
        let all = client.receiveAll()
        let body = all.firstRange(of: Array("\r\n\r\n".utf8)).map { Array(all[$0.upperBound...]) } ?? []
        #expect(ServerFrame.read(body).last == .close(1001, []))
        await server.drain(within: .zero)
    }
}
