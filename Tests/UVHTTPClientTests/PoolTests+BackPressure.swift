import HTTPCore
import Testing
import TestSupport
import UVHTTPClient
import UVLoop

/// Neither side is sent more than it reads.
extension HTTPClientSuite.PoolTests {
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
}
