import Foundation
import HTTPCore
import JSONBytes
import Observability
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

/// The gateway's own responses, in the contract's form, and what it makes of requests that it forwards.
@Suite("The gateway's own responses", .serialized)
struct GatewayRefusalTests {
    private static let sound = "Host: x\r\nX-Request-Id: mine-1\r\nConnection: close\r\n"

    struct Case: Sendable, CustomStringConvertible {
        let description: String
        let request: String
        let status: Int
        let error: String
        var limit: Int?
        /// The head was read, and with it the client's own id.
        var knowsID = true
    }

    private static let cases = [
        Case(
            description: "not a request line", request: "GET \u{1} HTTP/1.1\r\n\(sound)\r\n", status: 400,
            error: "malformed request", knowsID: false),
        Case(
            description: "no host", request: "GET / HTTP/1.1\r\n\r\n", status: 400, error: "malformed request",
            knowsID: false),
        Case(
            description: "two framings",
            request: "POST / HTTP/1.1\r\n\(sound)Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            status: 400, error: "malformed request"),
        Case(
            description: "folded field", request: "GET / HTTP/1.1\r\n\(sound)A: b\r\n c\r\n\r\n", status: 400,
            error: "malformed request"),
        Case(
            description: "inner path", request: "GET /-gateway/refusal HTTP/1.1\r\n\(sound)\r\n", status: 404,
            error: "not found"),
        Case(
            description: "TRACE", request: "TRACE /health HTTP/1.1\r\n\(sound)\r\n", status: 405,
            error: "method not allowed"),
        Case(
            description: "CONNECT", request: "CONNECT /health HTTP/1.1\r\n\(sound)\r\n", status: 405,
            error: "method not allowed"),
        Case(
            description: "long body, asked for permission",
            request:
                "POST /registry/register HTTP/1.1\r\n\(sound)Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n",
            status: 413, error: "request body too large", limit: 1_048_576),
        Case(
            description: "long upload",
            request:
                "POST /workspaces/a/chat/uploads?x HTTP/1.1\r\n\(sound)Content-Length: 99999999\r\n\r\n",
            status: 413, error: "request body too large", limit: 52_428_800),
        Case(
            description: "long target",
            request: "GET /\(String(repeating: "a", count: 40_000)) HTTP/1.1\r\n\(sound)\r\n",
            status: 414, error: "target too long", knowsID: false),
        Case(
            description: "long field",
            request: "GET / HTTP/1.1\r\n\(sound)A: \(String(repeating: "a", count: 40_000))\r\n\r\n", status: 431,
            error: "header block too large"),
        Case(
            description: "unknown transfer encoding",
            request: "POST / HTTP/1.1\r\n\(sound)Transfer-Encoding: gzip\r\n\r\n", status: 501,
            error: "transfer encoding not implemented"),
        Case(
            description: "service away", request: "GET /admin/liveness HTTP/1.1\r\n\(sound)\r\n", status: 503,
            error: "service not reachable — retry shortly"),
        Case(
            description: "HTTP/3", request: "GET / HTTP/3.0\r\n\(sound)\r\n", status: 505,
            error: "HTTP version not supported", knowsID: false),
    ]

    /// Runs a test against a gateway whose services are one server, but for the sweeper, which is away.
    private func withGateway(_ body: (UInt16) async throws -> Void) async throws {
        let group = EventLoopGroup(count: 1)
        var router = Router()
        for method in [HTTPMethod.get, .post] { router.on(method, "/registry/echo") { try await Self.echo($0) } }
        let server = HTTPServer(
            HTTPServerConfiguration(), group: group, router: router, metrics: MetricsRegistry(includesProcess: false))
        let port = try await server.start()
        let gatewayPort = try Ports.free()
        let away = try Ports.free()
        let leash = try await Gateway.start(
            port: gatewayPort,
            services: ["registry", "a2a-proxy", "scheduler", "notifier", "sweeper"].map {
                ($0, [$0 == "sweeper" ? away : port])
            })
        var failure: (any Error)?
        do {
            try await eventually("the gateway to respond", detail: { leash.outputTail }) {
                try await onThread { PlainSocket.status(port: gatewayPort, path: "/registry/echo") == 200 }
            }
            try await body(gatewayPort)
        } catch {
            failure = error
        }
        await leash.terminate()
        await server.drain(within: .seconds(2))
        group.shutdown()
        if let failure { throw failure }
    }

    /// What reached the service.
    private static func echo(_ request: Request) async throws -> Response {
        let body = try await request.body.collect(upTo: 1 << 20)
        return .json { writer in
            writer.member("method", request.method.rawValue)
            writer.member("a", orNull: request.headers["a"])
            writer.member("c", orNull: request.headers["c"])
            writer.member("id", request.context.requestID)
            writer.member("body", String(decoding: body, as: UTF8.self))
        }
    }

    /// Sends bytes and reads responses until the gateway closes.
    private func exchange(_ port: UInt16, _ request: String) async throws -> [(head: String, body: JSONValue)] {
        let text = try await onThread { PlainSocket.everything(port: port, send: request) } ?? ""
        var responses: [(head: String, body: JSONValue)] = []
        for piece in text.components(separatedBy: "HTTP/1.1 ").dropFirst() {
            let parts = piece.components(separatedBy: "\r\n\r\n")
            let body = (try? JSONValue(decoding: Array(parts.dropFirst().joined().utf8))) ?? .null
            responses.append((parts[0] + "\r\n", body))
        }
        return responses
    }

    @Test("Every refusal is JSON, has an id and the security headers, and says what would do")
    func refusals() async throws {
        try await withGateway { port in
            for refusal in Self.cases {
                let responses = try await exchange(port, refusal.request)
                // In particular no 100 before a refusal.
                #expect(responses.count == 1, "\(refusal)")
                guard let (head, body) = responses.first else { continue }
                #expect(head.hasPrefix("\(refusal.status) "), "\(refusal): \(head)")
                #expect(body["error"]?.string == refusal.error, "\(refusal): \(body)")
                #expect(body["limit"]?.int == refusal.limit, "\(refusal)")
                for field in [
                    "Content-Type: application/json", "X-Content-Type-Options: nosniff", "X-Frame-Options: DENY",
                    "Referrer-Policy: ", "Content-Security-Policy: ", "Permissions-Policy: ",
                ] {
                    #expect(head.contains("\r\n\(field)"), "\(refusal): \(field)")
                }
                #expect(head.contains("\r\nX-Request-Id: "), "\(refusal)")
                #expect(head.contains("\r\nX-Request-Id: mine-1\r\n") == refusal.knowsID, "\(refusal)")
                #expect(head.contains("\r\nAllow: GET, ") == (refusal.status == 405), "\(refusal)")
                #expect(head.contains("\r\nRetry-After: 1") == (refusal.status == 503), "\(refusal)")
            }
        }
    }

    @Test("The id that the client gets is the one that the service has, whether client or gateway made it")
    func ids() async throws {
        try await withGateway { port in
            for id in ["mine-1", "no good", ""] {
                let responses = try await exchange(
                    port, "GET /registry/echo HTTP/1.1\r\nHost: x\r\nX-Request-Id: \(id)\r\nConnection: close\r\n\r\n")
                let (head, body) = try #require(responses.first)
                let returned = try #require(body["id"]?.string)
                #expect(head.contains("\r\nX-Request-Id: \(returned)\r\n"))
                #expect((returned == id) == (id == "mine-1"))
            }
        }
    }

    @Test("A ticket in a stream's address does not come into the log, which has the request beside each error")
    func ticketsAreNotLogged() async throws {
        let (port, away) = (try Ports.free(), try Ports.free())
        let names = ["registry", "a2a-proxy", "scheduler", "notifier", "sweeper"]
        let gateway = try await Gateway.start(port: port, services: names.map { ($0, [away]) })
        let secret = UUID().uuidString
        var paths = ["/ws", "/events/stream", "/workspaces/\(UUID())/events/stream"].map { "\($0)?ticket=\(secret)" }
        paths.append("/events?the-last-one")
        for path in paths {
            try await eventually("a response for \(path)", detail: { gateway.outputTail }) {
                try await onThread { PlainSocket.status(port: port, path: path) == 503 }
            }
        }
        try await eventually("the log") { gateway.output.contains("the-last-one") }
        #expect(!gateway.output.contains(secret))
        await gateway.terminate()
    }

    /// nginx takes a lone line feed for the end of a line, and has no setting against it. What it passes on is written
    /// anew, each line ended by both characters: the services, which refuse a lone one, see the same request as the
    /// gateway did.
    @Test("Lone line feeds do not reach the services")
    func loneLineFeeds() async throws {
        try await withGateway { port in
            let fields = try await exchange(
                port, "GET /registry/echo HTTP/1.1\nHost: x\nA: b\nC: d\nConnection: close\n\n")
            #expect(fields.map { $0.body["a"]?.string } == ["b"] && fields.first?.body["c"]?.string == "d")
            // A length that only one of the two would see would make a second request of the body, or swallow the next.
            let hidden = "GET /registry/echo HTTP/1.1\r\nHost: x\r\nA: inner\r\nConnection: close\r\n\r\n"
            let responses = try await exchange(
                port,
                "POST /registry/echo HTTP/1.1\r\nHost: x\r\nA: b\nContent-Length: \(hidden.utf8.count)\r\n"
                    + "Connection: close\r\n\r\n" + hidden)
            #expect(responses.map { $0.body["method"]?.string } == ["POST"])
            #expect(responses.first?.body["body"]?.string == hidden)
            let chunked = try await exchange(
                port,
                "POST /registry/echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
                    + "3\nabc\n0\n\n")
            #expect(chunked.map { $0.body["body"]?.string } == ["abc"])
        }
    }
}
