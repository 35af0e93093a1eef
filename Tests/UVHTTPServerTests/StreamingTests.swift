import Concurrency
import Foundation
import HTTPCore
import Synchronization
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

@Suite struct StreamingTests {
    @Test func chunksArriveAsTheyAreWritten() async throws {
        try await withServer(routes: { router in
            router.on(.get, "/three") { _ in
                .stream(contentType: "text/event-stream") { writer in
                    for number in 1...3 { try await writer.write(Array("data: \(number)\n\n".utf8)) }
                }
            }
        }) { server in
            let client = try server.client()
            client.send("GET /three HTTP/1.1\r\nHost: x\r\n\r\n")
            let response = try await client.response()
            #expect(response.headers["transfer-encoding"] == "chunked")
            #expect(response.headers["content-type"] == "text/event-stream")
            #expect(response.text == "data: 1\n\ndata: 2\n\ndata: 3\n\n")
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.response().text == "hello")
            client.send("GET /three HTTP/1.0\r\n\r\n")
            let old = try await client.response()
            #expect(old.headers["transfer-encoding"] == nil)
            #expect(old.text == "data: 1\n\ndata: 2\n\ndata: 3\n\n")
        }
    }

    /// The writer of a response that is written from elsewhere.
    private final class Handed: Sendable {
        private let writer = Mutex<ResponseWriter?>(nil)
        let isGone = Flag()
        var taken: ResponseWriter? { writer.withLock { $0 } }

        func take(_ writer: ResponseWriter) {
            writer.onDisconnect = { [isGone] in isGone.raise() }
            self.writer.withLock { $0 = writer }
        }
    }

    private func withDetached(
        _ body: (TestServer, Handed, RawClient) async throws -> Void
    ) async throws {
        let handed = Handed()
        try await withServer(routes: { router in
            router.on(.get, "/detached") { _ in
                Response(.ok, headers: HTTPHeaders([("Content-Type", "text/plain")]), body: .detached(handed.take))
            }
        }) { server in
            let client = try server.client()
            client.send("GET /detached HTTP/1.1\r\nHost: x\r\n\r\n")
            try await eventually("the writer") { handed.taken != nil }
            try await body(server, handed, client)
        }
    }

    @Test func aDetachedResponseIsWrittenFromElsewhere() async throws {
        try await withDetached { _, handed, client in
            let writer = try #require(handed.taken)
            writer.loop.execute {
                writer.send(Array("one ".utf8))
                writer.send(FramedChunk(Array("two".utf8)))
                writer.finish()
                #expect(writer.isClosed)
            }
            let response = try await client.response()
            #expect(response.headers["transfer-encoding"] == "chunked" && response.text == "one two")
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.response().text == "hello")
        }
    }

    @Test func aDetachedResponseThatIsNotWholeIsBrokenOff() async throws {
        try await withDetached { _, handed, client in
            let writer = try #require(handed.taken)
            writer.loop.execute {
                writer.send(Array("one".utf8))
                writer.finish(ClientDisconnected())
            }
            #expect(await client.untilEnd())
            #expect(client.rest.hasSuffix("3\r\none\r\n"))
        }
    }

    @Test func aDetachedResponseHearsOfItsClientsGoing() async throws {
        try await withDetached { server, handed, client in
            client.hangUp()
            try await eventually("the client is gone") { handed.isGone.isRaised }
            try await eventually("the connection is gone") { server.server.connectionCount == 0 }
        }
    }

    @Test func theHeadDoesNotWaitForTheBody() async throws {
        try await withServer(routes: { router in
            router.on(.get, "/silent") { _ in
                .stream(contentType: "text/event-stream") { _ in await Cancellation.wait() }
            }
        }) { server in
            let client = try server.client()
            client.send("GET /silent HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(await client.receive())
            #expect(client.rest.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(client.rest.hasSuffix("\r\n\r\n"))
        }
    }

    /// Also beside a task that wrote to the same body and was cancelled while it waited.
    @Test(arguments: [false, true])
    func aWriterWaitsForASlowReader(besideACancelledOne: Bool) async throws {
        let (written, writtenByOther) = (CallTally(), CallTally())
        try await withServer(routes: { router in
            router.on(.get, "/flood") { _ in
                .stream(contentType: "text/plain") { writer in
                    let piece = [UInt8](repeating: 0x61, count: 64 * 1024)
                    if besideACancelledOne {
                        let other = Task {
                            while true {
                                writtenByOther.add(piece.count)
                                try await writer.write(piece)
                            }
                        }
                        try await eventually("the other one waits") {
                            await Task(executorPreference: writer.loop) { writer.pendingBytes > 64 * 1024 }.value
                        }
                        other.cancel()
                        _ = await other.result
                    }
                    for _ in 0..<400 {
                        try await writer.write(piece)
                        written.add(piece.count)
                    }
                }
            }
        }) { server in
            let client = try RawClient(port: server.port, receiveBuffer: 8192)
            client.send("GET /flood HTTP/1.1\r\nHost: x\r\n\r\n")
            var last = -1
            // The kernel's buffers take some megabytes; then the writer stands still.
            try await eventually("the writer waits") {
                let all = written.value + writtenByOther.value
                defer { last = all }
                return all > 0 && all == last
            }
            #expect(written.value < 400 * 64 * 1024)
            #expect(try await client.response(within: 20).body.count == 400 * 64 * 1024 + writtenByOther.value)
        }
    }

    @Test(arguments: [true, false])
    func aClientThatLeavesEndsTheStream(isWriting: Bool) async throws {
        let ended = Flag()
        let recorded = Flag()
        try await withServer(routes: { router in
            router.on(.get, "/endless") { _ in
                .stream(contentType: "text/event-stream") { writer in
                    writer.onDisconnect = { recorded.raise() }
                    defer { ended.raise() }
                    guard isWriting else { return await Cancellation.wait() }
                    while true {
                        try await writer.write(Array(": beat\n\n".utf8))
                        try await writer.loop.sleep(for: .milliseconds(5))
                    }
                }
            }
        }) { server in
            let client = try server.client()
            client.send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(await client.receive())
            client.hangUp()
            try await eventually("the handler ended") { ended.isRaised && recorded.isRaised }
            try await eventually("the connection is gone") { server.server.connectionCount == 0 }
        }
    }

    @Test func anErrorBreaksTheBodyOff() async throws {
        try await withServer(routes: { router in
            router.on(.get, "/broken") { _ in
                .stream(contentType: "text/plain") { writer in
                    try await writer.write(Array("half".utf8))
                    throw TestServer.Secret()
                }
            }
        }) { server in
            let client = try server.client()
            client.send("GET /broken HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(await client.untilEnd())
            #expect(client.rest.contains("4\r\nhalf\r\n"))
            #expect(!client.rest.contains("\r\n0\r\n"))
            #expect(!client.rest.contains("hunter2"))
        }
    }

    @Test func oneChunkServesManyViewers() async throws {
        let chunk = FramedChunk(Array("data: all\n\n".utf8))
        try await withServer(routes: { router in
            router.on(.get, "/watch") { _ in
                .stream(contentType: "text/event-stream") { writer in
                    _ = writer.send(chunk)
                    try await writer.write(chunk)
                }
            }
        }) { server in
            for version in ["1.1", "1.0"] {
                let client = try server.client()
                client.send("GET /watch HTTP/\(version)\r\nHost: x\r\n\r\n")
                #expect(try await client.response().text == "data: all\n\ndata: all\n\n")
            }
        }
    }

    @Test func anUpgradeHandsTheConnectionOver() async throws {
        try await withServer(routes: { router in
            router.on(.get, "/switch") { _ in
                Response(
                    101, headers: ["Connection": "upgrade", "Upgrade": "echo"],
                    body: .upgrade { stream, ahead in
                        stream.onRead = { stream.write(Array($0)) }
                        stream.onEnd = { _ in stream.close() }
                        stream.write(ahead)
                        stream.startReading()
                    })
            }
        }) { server in
            let client = try server.client()
            client.send("GET /switch HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nahead")
            while !client.rest.hasSuffix("ahead"), await client.receive() {}
            #expect(client.rest.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
            #expect(client.rest.contains("Upgrade: echo\r\n"))
            client.send("later")
            while !client.rest.hasSuffix("later"), await client.receive() {}
            #expect(client.rest.hasSuffix("aheadlater"))
            client.endInput()
            #expect(await client.untilEnd())
        }
    }
}

/// Streams of a length that is known beforehand.
@Suite struct SizedStreamTests {
    private func withStream(
        _ length: Int, _ pieces: [String], _ body: (TestServer) async throws -> Void
    ) async throws {
        try await withServer(routes: { router in
            router.on(.get, "/sized") { _ in
                .stream(headers: ["Content-Type": "text/plain"], length: length) { writer in
                    for piece in pieces { try await writer.write(Array(piece.utf8)) }
                }
            }
        }) { try await body($0) }
    }

    @Test(arguments: ["1.1", "1.0"]) func theLengthIsTold(_ version: String) async throws {
        try await withStream(6, ["abc", "def"]) { server in
            let client = try server.client()
            client.send("GET /sized HTTP/\(version)\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
            let response = try await client.response()
            #expect(response.headers["content-length"] == "6" && response.headers["transfer-encoding"] == nil)
            #expect(response.text == "abcdef")
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.response().text == "hello")
        }
    }

    @Test func aHeadHasTheLengthAndNoBody() async throws {
        try await withStream(6, ["abc", "def"]) { server in
            let client = try server.client()
            client.send(
                "HEAD /sized HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            while await client.receive() {}
            #expect(client.rest.contains("Content-Length: 6\r\n"))
            #expect(client.rest.hasSuffix("\r\n\r\nhello") && !client.rest.contains("abc"))
        }
    }

    @Test(arguments: [2, 4, 7]) func anotherLengthBreaksTheConnectionOff(_ length: Int) async throws {
        try await withStream(length, ["abc", "def"]) { server in
            let client = try server.client()
            client.send("GET /sized HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            while await client.receive() {}
            let body = client.rest.components(separatedBy: "\r\n\r\n").dropFirst().joined()
            #expect(body.utf8.count < length)
            #expect(!client.rest.contains("hello"))
        }
    }

    @Test func nothingIsAStreamToo() async throws {
        try await withStream(0, []) { server in
            let client = try server.client()
            client.send("GET /sized HTTP/1.1\r\nHost: x\r\n\r\n")
            let response = try await client.response()
            #expect(response.headers["content-length"] == "0" && response.text.isEmpty)
        }
    }
}
