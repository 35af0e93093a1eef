import HTTPCore
import Testing
import TestSupport
import UVHTTPClient
import UVLoop

extension HTTPClientSuite {
    /// Answers in a content coding, which nobody asked for.
    @Suite(.timeLimit(.minutes(5)))
    struct CodingTests {
        /// More than a piece of the decoder's, and no repetition of it.
        private static let text = (0..<20_000).map { "line \($0 &* 2_654_435_761)\n" }.joined()

        /// A server whose answer's body is `body` in the coding `coding`, sent in pieces of `size` bytes.
        private func with(
            _ body: [UInt8], _ coding: String, status: Int = 200, inPieces size: Int = .max,
            _ test: @Sendable (String, HTTPClient) async throws -> Void
        ) async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                peer.send(
                    "HTTP/1.1 \(status) X\r\nContent-Encoding: \(coding)\r\nContent-Length: \(body.count)\r\n\r\n")
                Self.send(body[...], inPieces: size, to: peer)
            }
            defer { server.stop() }
            try await test(server.url, makeClient())
        }

        private static func send(_ bytes: ArraySlice<UInt8>, inPieces size: Int, to peer: ScriptedServer.Peer) {
            guard !bytes.isEmpty else { return }
            peer.stream.write(Array(bytes.prefix(size)))
            let rest = bytes.dropFirst(size)
            peer.stream.loop.schedule(after: .milliseconds(1)) { send(rest, inPieces: size, to: peer) }
        }

        @Test func asksForNone() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in peer.answer("ok") }
            defer { server.stop() }
            let client = makeClient()
            _ = try await client.get(server.url)
            _ = try await client.get(server.url) { $0.headers = ["Accept-Encoding": "gzip"] }
            let fields = server.requests.map { request in
                request.head.lowercased().split(separator: "\r\n").filter { $0.hasPrefix("accept-encoding:") }
            }
            #expect(fields == [["accept-encoding: identity"], ["accept-encoding: gzip"]])
        }

        @Test(arguments: [
            ("gzip", Compressed.Format.gzip), ("x-gzip", .gzip), ("GZip", .gzip), ("gzip, identity", .gzip),
            ("deflate", .zlib), ("deflate", .bare),
        ])
        func decodesWhatComesAllTheSame(_ coding: String, _ format: Compressed.Format) async throws {
            let text = Self.text
            let coded = Compressed.bytes(Array(text.utf8), as: format)
            for size in [Int.max, 1000] {
                try await with(coded, coding, inPieces: size) { url, client in
                    let whole = try await client.send(ClientRequest(.get, url), collectUpTo: text.utf8.count)
                    let isText = whole.bytes == Array(text.utf8)
                    #expect(isText)
                    #expect(whole.headers["content-encoding"] == nil)
                    #expect(whole.headers["content-length"] == nil)
                    let isTextToo = try await client.text(url) == text
                    #expect(isTextToo)
                }
            }
        }

        /// One byte at a time: the first two tell what kind of deflate it is.
        @Test(arguments: [("deflate", Compressed.Format.zlib), ("deflate", .bare), ("gzip", .gzip)])
        func byteByByte(_ coding: String, _ format: Compressed.Format) async throws {
            try await with(Compressed.bytes(Array("hello".utf8), as: format), coding, inPieces: 1) { url, client in
                let text = try await client.text(url)
                #expect(text == "hello")
            }
        }

        @Test func partsOfOneGzipFollowEachOther() async throws {
            let coded = Compressed.bytes(Array("one ".utf8)) + Compressed.bytes(Array("two".utf8))
            try await with(coded, "gzip") { url, client in
                let text = try await client.text(url)
                #expect(text == "one two")
            }
        }

        @Test func anEmptyBodyIsOneInAnyCoding() async throws {
            for coding in ["gzip", "br"] {
                try await with([], coding) { url, client in
                    let response = try await client.send(ClientRequest(.get, url), collectUpTo: 10)
                    #expect(response.bytes == [])
                }
            }
        }

        @Test func fewBytesDoNotBecomeManyAtOnce() async throws {
            let bomb = Compressed.bytes([UInt8](repeating: 0, count: 64 << 20))
            #expect(bomb.count < 100_000)
            try await with(bomb, "gzip") { url, client in
                let error = try await failure {
                    try await client.send(ClientRequest(.get, url), collectUpTo: 1 << 20)
                }
                #expect(error.kind == .tooLarge)
                #expect(error.delivery == .responded)
                let response = try await client.get(url)
                guard case .stream(let source) = response.body else {
                    Issue.record("not streamed")
                    return
                }
                var total = 0
                while let piece = try await source.next() {
                    #expect(piece.count <= 64 << 10)
                    total += piece.count
                }
                #expect(total == 64 << 20)
            }
        }

        @Test func whatCannotBeDecodedIsNotHandedOver() async throws {
            let coded = Compressed.bytes(Array(Self.text.utf8))
            var broken = coded
            broken[coded.count / 2] ^= 0xff
            for (body, coding, streamed) in [
                (Array(coded.dropLast(20)), "gzip", HTTPBodyError.truncated), (broken, "gzip", .undecodable),
                (coded + [1, 2, 3], "gzip", .undecodable), (Array("plain".utf8), "gzip", .undecodable),
                (Array("plain".utf8), "br", .undecodable), (coded, "gzip, gzip", .undecodable),
            ] {
                try await with(body, coding) { url, client in
                    let error = try await failure {
                        try await client.send(ClientRequest(.get, url), collectUpTo: 1 << 20)
                    }
                    #expect(error.kind == .malformed)
                    #expect(error.status == 200)
                    await #expect(throws: streamed) { try await client.text(url) }
                }
            }
        }
    }
}
