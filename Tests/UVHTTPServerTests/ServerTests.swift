import Foundation
import HTTPCore
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

@Suite struct ServerTests {
    @Test func respondsOneAfterAnotherOnOneConnection() async throws {
        try await withServer { server in
            let client = try server.client()
            for _ in 0..<3 {
                client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
                let response = try await client.response()
                #expect(response.status == 200)
                #expect(response.text == "hello")
                #expect(response.headers["connection"] == nil)
            }
            client.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
            #expect(try await client.response().text == "abc")
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(try await client.response().headers["connection"] == "close")
            #expect(await client.untilEnd())
        }
    }

    @Test func everyResponseCarriesTheCommonFields() async throws {
        try await withServer { server in
            let client = try server.client()
            for target in ["/hello", "/nowhere"] {
                client.send("GET \(target) HTTP/1.1\r\nHost: x\r\nX-Request-Id: abc-1\r\n\r\n")
                let headers = try await client.response().headers
                #expect(headers["x-request-id"] == "abc-1")
                #expect(headers["x-content-type-options"] == "nosniff")
                #expect(headers["x-frame-options"] == "DENY")
                #expect(headers["referrer-policy"] != nil)
                #expect(headers["content-security-policy"] != nil)
                #expect(headers["permissions-policy"] != nil)
                #expect(headers["strict-transport-security"] == nil)
                #expect(headers["date"]?.hasSuffix(" GMT") == true)
            }
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\nX-Request-Id: a b\r\n\r\n")
            #expect(try await client.response().headers["x-request-id"]?.count == 32)
        }
    }

    @Test func unknownPathsMethodsAndIDs() async throws {
        try await withServer { server in
            let client = try server.client()
            client.send("GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n")
            var response = try await client.response()
            #expect(response.status == 404)
            #expect(response.text == #"{"error":"not found"}"#)
            client.send("DELETE /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            response = try await client.response()
            #expect(response.status == 405)
            #expect(response.headers["allow"] == "GET, HEAD, OPTIONS")
            client.send("GET /workspaces/nonsense HTTP/1.1\r\nHost: x\r\n\r\n")
            response = try await client.response()
            #expect(response.status == 400)
            #expect(response.text == #"{"error":"invalid id","field":"id","reason":"must be a UUID"}"#)
            client.send("GET /workspaces/pending HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.response().text == "pending")
            client.send("GET /workspaces/00000000-0000-0000-0000-00000000ABCD?x=1 HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.response().text == "00000000-0000-0000-0000-00000000abcd")
        }
    }

    @Test func headHasTheLengthButNoBody() async throws {
        try await withServer { server in
            let client = try server.client()
            client.send("HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            let response = try await client.response(toHead: true)
            #expect(response.status == 200)
            #expect(response.headers["content-length"] == "5")
            #expect(try await client.response().text == "hello")
        }
    }

    @Test func anUnknownErrorTellsTheClientNothing() async throws {
        try await withServer { server in
            let client = try server.client()
            client.send("GET /fail HTTP/1.1\r\nHost: x\r\n\r\n")
            let response = try await client.response()
            #expect(response.status == 500)
            #expect(response.text == #"{"error":"internal error"}"#)
        }
    }

    @Test("What cannot be decoded is the client's fault only where its body was decoded")
    func anInternalDecodingErrorIsOurs() async throws {
        try await withServer(routes: { router in
            router.on(.get, "/stored") { _ in
                .text("\(try JSONDecoder().decode([Int].self, from: Data("{}".utf8)))")
            }
        }) { server in
            let client = try server.client()
            client.send("GET /stored HTTP/1.1\r\nHost: x\r\n\r\n")
            let response = try await client.response()
            #expect(response.status == 500)
            #expect(response.text == #"{"error":"internal error"}"#)
        }
    }

    @Test func everyLoopListens() async throws {
        try await withServer(loops: 2) { server in
            for _ in 0..<20 {
                let client = try server.client()
                client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await client.response().status == 200)
            }
        }
    }

    @Test func middlewareStandsAroundEveryRoute() async throws {
        struct Stamp: Middleware {
            let name: String
            func handle(_ request: Request, next: (Request) async throws -> Response) async throws -> Response {
                var response = try await next(request)
                response.headers.add("X-Stamp", name)
                return response
            }
        }
        try await withServer(middleware: [Stamp(name: "outer"), Stamp(name: "inner")]) { server in
            let client = try server.client()
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await client.response().headers.values("x-stamp") == ["inner", "outer"])
        }
    }

    @Test(
        "Who is not admitted gets the same response whatever is asked for",
        arguments: [
            "GET /hello", "GET /nowhere", "DELETE /hello", "OPTIONS /hello", "POST /echo",
            "OPTIONS /hello HTTP/1.1\r\nOrigin: http://localhost:3000\r\nAccess-Control-Request-Method: GET\r\nX:",
        ])
    func admission(line: String) async throws {
        let start = line.contains("HTTP/1.1") ? line : line + " HTTP/1.1"
        try await withServer(admission: { $0.headers["x-key"] == "right" ? nil : Response(.notFound) }) { server in
            let client = try server.client()
            client.send("\(start)\r\nHost: x\r\nX-Key: wrong\r\nContent-Length: 0\r\n\r\n")
            let refused = try await client.response()
            #expect(refused.status == 404)
            #expect(refused.body.isEmpty && refused.headers["allow"] == nil)
            client.send("\(start)\r\nHost: x\r\nX-Key: right\r\nContent-Length: 0\r\n\r\n")
            let admitted = try await client.response()
            #expect(admitted.status != 404 || !admitted.body.isEmpty)
        }
    }
}
