import HTTPCore
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

/// Bodies that arrive slowly, in pieces, too long, unwanted or only after permission.
@Suite struct BodyTests {
    private static func routes(_ router: inout Router) {
        router.on(.post, "/small", options: RouteOptions(maxBodyBytes: 10)) { request in
            Response(.ok, body: .bytes(try await request.body.collect(upTo: .max)))
        }
        router.on(.post, "/large", options: RouteOptions(maxBodyBytes: 50 << 20, streamsBody: true)) { request in
            .text(String(try await request.body.collect(upTo: .max).count))
        }
        router.on(.post, "/unread", options: RouteOptions(maxBodyBytes: 50 << 20, streamsBody: true)) { _ in
            .text("unread")
        }
    }

    private func chunked(_ count: Int, of size: Int) -> String {
        let chunk = String(size, radix: 16) + "\r\n" + String(repeating: "c", count: size) + "\r\n"
        return String(repeating: chunk, count: count) + "0\r\n\r\n"
    }

    /// As gateways do, which take a connection that is reset while they write for a failure of the service.
    @Test("Who sends the whole of a body that is too long before reading is not cut off")
    func refusalOutlivesLongBody() async throws {
        try await withServer(routes: Self.routes) { server in
            let client = try server.client()
            client.send("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: \(16 << 20)\r\n\r\n")
            let isTaken = client.send([UInt8](repeating: 0x20, count: 16 << 20))
            #expect(isTaken)
            #expect(try await client.response().status == 413)
        }
    }

    @Test func piecesAreJoined() async throws {
        try await withServer(routes: Self.routes) { server in
            let client = try server.client()
            for byte
                in "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
            {
                client.send(String(byte))
            }
            #expect(try await client.response().text == "abc")
        }
    }

    /// Told to whoever reads it, so after what is wrong before the body; who reads none is not concerned.
    @Test(arguments: ["Content-Length: 3\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"])
    func aBodyInACodingIsNotTaken(_ framed: String) async throws {
        try await withServer(routes: Self.routes) { server in
            for (path, coding, status) in [
                ("/echo", "gzip", 415), ("/echo", "GZIP", 415), ("/echo", "identity, br", 415), ("/large", "gzip", 415),
                ("/echo", "identity", 200), ("/echo", "Identity", 200), ("/echo", "", 200), ("/ignore", "gzip", 200),
                ("/nowhere", "gzip", 404),
            ] {
                let client = try server.client()
                client.send("POST \(path) HTTP/1.1\r\nHost: x\r\nContent-Encoding: \(coding)\r\n\(framed)")
                let response = try await client.response()
                #expect(response.status == status)
                guard status == 415 else { continue }
                #expect(response.headers["accept-encoding"] == "identity")
                #expect(response.text.contains(#""field":"Content-Encoding""#))
                // The connection goes on.
                client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await client.response().text == "hello")
            }
            let client = try server.client()
            client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n")
            #expect(try await client.response().status == 200)
        }
    }

    @Test func aLargeBodyIsStreamed() async throws {
        try await withServer(routes: Self.routes) { server in
            let client = try server.client()
            client.send("POST /large HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n")
            client.send([UInt8](repeating: 0x61, count: 20_000_000))
            #expect(try await client.response().text == "20000000")
            client.send(
                "POST /large HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(100, of: 100_000))
            #expect(try await client.response().text == "10000000")
        }
    }

    @Test func aBodyBeyondTheRoutesLimitIsRefused() async throws {
        try await withServer(routes: Self.routes) { server in
            for (request, limit) in [
                ("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\nabcdefghijk", 10),
                ("POST /small HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(3, of: 4), 10),
                ("POST /small HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 11\r\n\r\n", 10),
                (
                    "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 1048577\r\n\r\n",
                    1_048_576
                ),
                (
                    "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(20, of: 100_000),
                    1_048_576
                ),
            ] {
                let client = try server.client()
                client.send(request)
                let response = try await client.response()
                #expect(response.status == 413)
                #expect(response.text == #"{"error":"request body too large","limit":\#(limit)}"#)
                #expect(await client.untilEnd())
            }
            let client = try server.client()
            client.send("POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabcdefghij")
            #expect(try await client.response().text == "abcdefghij")
        }
    }

    @Test func permissionIsGivenWhenTheBodyIsWanted() async throws {
        try await withServer(routes: Self.routes) { server in
            let client = try server.client()
            client.send("POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            #expect(try await client.response().status == 100)
            client.send("abc")
            #expect(try await client.response().text == "abc")

            // Behind a response that has not been written yet, it must not come first.
            client.send(
                "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"
                    + "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            #expect(try await client.response().text == "hello")
            #expect(try await client.response().status == 100)
            client.send("def")
            #expect(try await client.response().text == "def")

            // A client of HTTP/1.0 knows no interim responses.
            client.send(
                "POST /echo HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\nConnection: keep-alive\r\n\r\n"
                    + "ghi")
            #expect(try await client.response().text == "ghi")

            // The handler does not want it: the response comes at once, and the connection cannot go on.
            client.send("POST /ignore HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            let response = try await client.response()
            #expect(response.text == "ignored")
            #expect(response.headers["connection"] == "close")
            #expect(await client.untilEnd())
        }
    }

    /// Where the response has begun, its client would take the permission for part of it.
    @Test func noPermissionIsGivenWithinAResponse() async throws {
        try await withServer(routes: { router in
            router.on(.post, "/duplex", options: RouteOptions(streamsBody: true)) { request in
                .stream(contentType: "text/plain") { writer in
                    try await writer.write(Array("begun ".utf8))
                    try await writer.write(try await request.body.collect(upTo: 100))
                }
            }
        }) { server in
            let client = try server.client()
            client.send("POST /duplex HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
            #expect(await client.receive())
            client.send("abc")
            let response = try await client.response()
            #expect(response.status == 200 && response.text == "begun abc")
            #expect(response.headers["connection"] == "close")
        }
    }

    @Test func aSmallUnwantedBodyIsReadPast() async throws {
        try await withServer(routes: Self.routes) { server in
            let client = try server.client()
            client.send("POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n")
            let response = try await client.response()
            #expect(response.text == "unread")
            #expect(response.headers["connection"] == nil)
            client.send(String(repeating: "a", count: 1000) + "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.response().text == "hello")
        }
    }

    @Test func aLargeUnwantedBodyClosesTheConnection() async throws {
        try await withServer(routes: Self.routes) { server in
            let client = try server.client()
            client.send("POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n")
            let response = try await client.response()
            #expect(response.text == "unread")
            #expect(response.headers["connection"] == "close")
            client.send([UInt8](repeating: 0x61, count: 10_000_000))
            _ = await client.untilEnd()
            #expect(client.rest == "")
        }
    }

    @Test func aBodyCutShortIsNotABody() async throws {
        let outcome = CallTally()
        try await withServer(routes: { router in
            router.on(.post, "/watched", options: RouteOptions(streamsBody: true)) { request in
                do {
                    _ = try await request.body.collect(upTo: .max)
                    outcome.add(100)
                } catch HTTPBodyError.truncated {
                    outcome.add(1)
                }
                return .text("")
            }
        }) { server in
            let client = try server.client()
            client.send("POST /watched HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
            client.endInput()
            try await eventually("the handler saw the end") { outcome.value == 1 }
        }
    }

    @Test func brokenChunksAreNotABody() async throws {
        try await withServer(routes: Self.routes) { server in
            let client = try server.client()
            client.send("POST /large HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            client.send("zz\r\n")
            let response = try await client.response()
            #expect(response.status == 400)
            #expect(await client.untilEnd())
        }
    }
}
