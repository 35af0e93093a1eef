import HTTPCore
import Testing
import TestSupport
import UVHTTPClient
import UVLoop

extension HTTPClientSuite {
    /// Requests and answers of all shapes that HTTP/1.1 allows.
    @Suite(.timeLimit(.minutes(5)))
    struct ExchangeTests {
        let client = makeClient()

        @Test func aSmallAnswerComesInOnePiece() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in peer.answer("hello") }
            defer { server.stop() }
            let response = try await client.get(server.url)
            #expect(response.status == 200)
            guard case .bytes(let bytes) = response.body else {
                Issue.record("not in one piece")
                return
            }
            #expect(String(decoding: bytes, as: UTF8.self) == "hello")
        }

        @Test func theRequestSaysWhatItShould() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in peer.answer("") }
            defer { server.stop() }
            let request = try ClientRequest(
                .post, "http://127.0.0.1:\(server.port)/a/b?c=d#e",
                headers: ["Content-Type": "application/json", "Connection": "close", "Content-Length": "99"],
                body: .bytes(Array("{}".utf8)))
            _ = try await client.send(request)
            #expect(
                server.requests.first?.head == """
                    POST /a/b?c=d HTTP/1.1\r
                    Content-Type: application/json\r
                    host: 127.0.0.1:\(server.port)\r
                    accept-encoding: identity\r
                    content-length: 2\r
                    \r

                    """)
            #expect(server.requests.first?.body == "{}")
        }

        @Test(arguments: [
            ("POST", "content-length: 0"), ("PUT", "content-length: 0"), ("GET", nil), ("DELETE", nil),
        ])
        func anEmptyBodyIsAnnouncedWhereOneIsUsual(method: String, field: String?) async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in peer.answer("") }
            defer { server.stop() }
            _ = try await client.send(ClientRequest(HTTPMethod(method), server.url))
            let head = try #require(server.requests.first?.head)
            #expect(head.contains("content-length: 0") == (field != nil))
        }

        @Test func connectionsAreReused() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in peer.answer("\(peer.number)") }
            defer { server.stop() }
            let client = client
            try await onLoop {
                for _ in 0..<20 {
                    let text = try await client.text(server.url)
                    #expect(text == "0")
                }
            }
            #expect(server.connections == 1)
        }

        @Test(arguments: [
            "Connection: close\r\nContent-Length: 2\r\n\r\nok", "Content-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n",
            "Keep-Alive: timeout=1\r\nContent-Length: 2\r\n\r\nok",
        ])
        func connectionsThatCannotBeReusedAreNot(rest: String) async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in peer.send("HTTP/1.1 200 OK\r\n\(rest)") }
            defer { server.stop() }
            let client = client
            try await onLoop {
                for _ in 0..<3 {
                    let text = try await client.text(server.url)
                    #expect(text == "ok")
                }
            }
            #expect(server.connections == 3)
            try await eventually("closed by us") { server.ended == 3 }
        }

        @Test(arguments: [204, 304])
        func statusesWithoutABody(status: Int) async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                peer.send("HTTP/1.1 \(status) Nothing\r\nETag: x\r\n\r\n")
            }
            defer { server.stop() }
            let client = client
            try await onLoop {
                for _ in 0..<2 {
                    let response = try await client.get(server.url)
                    #expect(response.status.code == status)
                    #expect(try await response.text() == "")
                }
            }
            #expect(server.connections == 1)
        }

        @Test func theAnswerToHeadHasNoBodyWhateverItSays() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
            }
            defer { server.stop() }
            let client = client
            try await onLoop {
                for _ in 0..<2 {
                    let response = try await client.send(ClientRequest(.head, server.url), collectUpTo: 10)
                    #expect(response.headers["content-length"] == "5000")
                    #expect(try await response.text() == "")
                }
            }
            #expect(server.connections == 1)
        }

        @Test func aBodyMayEndWithTheConnection() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                peer.trickle(["HTTP/1.1 200 OK\r\n\r\n", "one ", "two"]) { peer.close() }
            }
            defer { server.stop() }
            #expect(try await client.text(server.url) == "one two")
        }

        @Test func interimAnswersAreSkipped() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                peer.trickle([
                    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early", " Hints\r\nLink: x\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                ])
            }
            defer { server.stop() }
            let response = try await client.get(server.url)
            #expect(response.status == 200)
            #expect(response.headers["link"] == nil)
            #expect(try await response.text() == "ok")
        }

        @Test func chunksThatTrickle() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                peer.trickle(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nA: b\r\n\r\n"
                        .map { String($0) }, every: .milliseconds(1))
            }
            defer { server.stop() }
            let client = client
            try await onLoop {
                for _ in 0..<2 {
                    let text = try await client.text(server.url)
                    #expect(text == "hello world")
                }
            }
            #expect(server.connections == 1)
        }

        @Test func redirectsAreAnswers() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in
                peer.send("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
            }
            defer { server.stop() }
            #expect(try await client.get(server.url).status == 302)
            #expect(server.requests.count == 1)
        }

        @Test func namesAreResolved() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in peer.answer("ok") }
            defer { server.stop() }
            // ::1 may come first, and nobody listens there: the next address is tried.
            #expect(try await client.text("http://localhost:\(server.port)/") == "ok")
            #expect(server.requests.first?.head.contains("host: localhost:\(server.port)\r\n") == true)
        }

        @Test func aHeaderCannotCarryAnotherRequest() async throws {
            let server = try await ScriptedServer.start(loops) { peer, _ in peer.answer("ok") }
            defer { server.stop() }
            for headers: HTTPHeaders in [["x": "a\r\nb: c"], ["x\r\ny": "z"], ["x": "\0"], ["": "x"], ["a:b": "c"]] {
                let error = try await failure { try await client.get(server.url) { $0.headers = headers } }
                #expect(error.kind == .invalidRequest)
                #expect(error.delivery == .notDelivered)
            }
            #expect(server.requests.isEmpty)
        }

        @Test func aStreamedRequestIsSentInChunksOrWithItsLength() async throws {
            let server = try await ScriptedServer.start(loops) { peer, request in peer.answer("ok") }
            defer { server.stop() }
            for length in [nil, 9] {
                var request = try ClientRequest(.post, server.url, body: .stream(ChunkSource(["one", "two", "333"])))
                request.contentLength = length
                #expect(try await client.send(request).text() == "ok")
            }
            #expect(server.requests[0].body == "3\r\none\r\n3\r\ntwo\r\n3\r\n333\r\n0\r\n\r\n")
            #expect(server.requests[1].body == "onetwo333")
        }
    }
}
