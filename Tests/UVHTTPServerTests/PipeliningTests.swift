import Foundation
import HTTPCore
import Observability
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

@Suite struct PipeliningTests {
    private static func request(_ number: Int, _ body: String = "") -> String {
        "POST /number/\(number) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func route(_ router: inout Router) {
        // Every third response takes its time.
        router.on(.post, "/number/{n}") { request in
            let number = request.parameters["n"] ?? ""
            if let value = Int(number), value % 3 == 0 { try await request.loop.sleep(for: .milliseconds(2)) }
            return .text(number)
        }
    }

    @Test(arguments: [1, 17, 1000, 1 << 20])
    func responsesComeInOrder(piece: Int) async throws {
        try await withServer(routes: Self.route) { server in
            let client = try server.client()
            let bytes = Array((0..<60).map { Self.request($0, "body") }.joined().utf8)
            for start in stride(from: 0, to: bytes.count, by: piece) {
                client.send(Array(bytes[start..<min(bytes.count, start + piece)]))
            }
            for number in 0..<60 { #expect(try await client.response().text == String(number)) }
        }
    }

    @Test func moreThanFitsIsReadWhenItsTurnComes() async throws {
        try await withServer(routes: Self.route) { server in
            let client = try server.client()
            let body = String(repeating: "b", count: 10_000)
            // Far more than the connection keeps, so that it must stop reading and start again.
            // A thread, since both ends block and the pool that runs the tests may have one thread left.
            let sending = Sendables(client)
            Thread.detachNewThread {
                for number in 0..<100 { sending.value.send(Self.request(number, body)) }
            }
            for number in 0..<100 { #expect(try await client.response().text == String(number)) }
        }
    }

    private static let whole = ["GET /large HTTP/1.1\r\nHost: x\r\n\r\n"]
    private static let inTwo = ["POST /early HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n", "body"]

    /// One whole request after the other, each read by itself; or each head with the body before it, which was responded to
    /// already; or those apart.
    @Test(arguments: [(whole, false), (inTwo, false), (inTwo, true)])
    func aClientThatReadsNoResponsesIsReadNoFurther(parts: [String], isApart: Bool) async throws {
        let (count, handled) = (100, CallTally())
        let large = Response(.ok, body: .bytes([UInt8](repeating: 0x61, count: 256 << 10)))
        try await withServer(routes: { router in
            router.on(.get, "/large") { _ in
                handled.add(1)
                return large
            }
            router.on(.post, "/early", options: RouteOptions(streamsBody: true)) { _ in
                handled.add(1)
                return large
            }
        }) { server in
            let (client, other) = (try RawClient(port: server.port, receiveBuffer: 65536), try server.client())
            // The same loop responds: behind everything that was sent to it before.
            func pass() async throws {
                other.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await other.response().status == 200)
            }
            for number in 0..<count {
                let end = number == 0 ? "" : parts.dropFirst().joined()
                if isApart {
                    client.send(end)
                    try await pass()
                    client.send(parts[0])
                } else {
                    client.send(end + parts[0])
                }
                try await pass()
            }
            #expect(handled.value < count / 2)
            client.send(parts.dropFirst().joined())
            for _ in 0..<count { #expect(try await client.response().body.count == 256 << 10) }
            #expect(handled.value == count)
        }
    }

    @Test func responsesWithoutAHandlerKeepTheirPlace() async throws {
        try await withServer(routes: Self.route) { server in
            let client = try server.client()
            let unknown = "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
            client.send(unknown + unknown + Self.request(3) + unknown + Self.request(4) + unknown + unknown)
            client.endInput()
            for status in [404, 404, 200, 404, 200, 404, 404] { #expect(try await client.response().status == status) }
            #expect(await client.untilEnd())
        }
    }

    @Test func nothingBehindARefusalIsRespondedTo() async throws {
        try await withServer(routes: Self.route) { server in
            let client = try server.client()
            client.send(Self.request(3) + "NONSENSE\r\n\r\n" + Self.request(4))
            #expect(try await client.response().text == "3")
            #expect(try await client.response().status == 501)
            #expect(await client.untilEnd())
            #expect(client.rest == "")
        }
    }

    @Test func theClientMayEndItsInputAfterItsRequests() async throws {
        try await withServer(routes: Self.route) { server in
            let client = try server.client()
            client.send(Self.request(3) + Self.request(6) + Self.request(7))
            client.endInput()
            for number in [3, 6, 7] { #expect(try await client.response().text == String(number)) }
            #expect(await client.untilEnd())
        }
    }

    @Test func aHangUpDoesNotCancelTheHandler() async throws {
        let finished = Flag()
        try await withServer(routes: { router in
            router.on(.get, "/slow") { request in
                try await request.loop.sleep(for: .milliseconds(100))
                finished.raise()
                return .text("done")
            }
        }) { server in
            let client = try server.client()
            client.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
            client.hangUp()
            try await eventually("the handler went on") { finished.isRaised }
            try await eventually("its response is counted") {
                String(decoding: server.metrics.exposition(), as: UTF8.self)
                    .contains(#"http_requests_total{method="GET",route="/slow",status="200"} 1"#)
            }
        }
    }

    /// Between two requests, and within a body that has no end.
    @Test(arguments: ["/large", "/flood"])
    func drainingWaitsForNoOneWhoTakesNothing(path: String) async throws {
        let begun = Flag()
        try await withServer(
            configure: {
                $0.writeTimeout = .seconds(600)
                $0.drainTimeout = .milliseconds(500)
            },
            routes: { router in
                router.on(.get, "/large") { _ in
                    begun.raise()
                    return Response(.ok, body: .bytes([UInt8](repeating: 0x61, count: 32 << 20)))
                }
                router.on(.get, "/flood") { _ in
                    .stream(contentType: "text/plain") { writer in
                        begun.raise()
                        while true { try await writer.write([UInt8](repeating: 0x61, count: 65536)) }
                    }
                }
            }
        ) { server in
            let client = try RawClient(port: server.port, receiveBuffer: 8192)
            client.send("GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n")
            try await eventually("the response to begin") { begun.isRaised }
            #expect(await client.receive())
            await server.server.stopAccepting()
            try await eventually("its connection to be closed") { server.server.connectionCount == 0 }
        }
    }

    /// Each time it takes far less than what its system and ours hold for it.
    @Test func drainingWaitsForWhoReadsSlowly() async throws {
        let size = 16 << 20
        try await withServer(
            configure: { $0.drainTimeout = .seconds(2) },
            routes: { router in
                router.on(.get, "/large") { _ in Response(.ok, body: .bytes([UInt8](repeating: 0x61, count: size))) }
            }
        ) { server in
            let client = try RawClient(port: server.port, receiveBuffer: 65536)
            client.send("GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            #expect(await client.receive())
            await server.server.stopAccepting()
            let end = ContinuousClock.now + .seconds(6)
            while ContinuousClock.now < end {
                try #require(await client.receive(), "it was cut off")
                // The pace of a slow reader, not a wait for something.
                try await Task.sleep(for: .milliseconds(100))
            }
            #expect(try await client.response().body.count == size)
        }
    }

    @Test func drainingFinishesWhatIsUnderWay() async throws {
        let started = Flag()
        let released = Flag()
        try await withServer(routes: { router in
            router.on(.get, "/slow") { request in
                started.raise()
                while !released.isRaised { try await request.loop.sleep(for: .milliseconds(5)) }
                return .text("done")
            }
        }) { server in
            let busy = try server.client()
            let idle = try server.client()
            idle.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try await idle.response().status == 200)
            busy.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
            try await eventually("the handler started") { started.isRaised }
            await server.server.stopAccepting()
            #expect(await idle.untilEnd())
            #expect(throws: (any Error).self) { try server.client() }
            released.raise()
            let response = try await busy.response()
            #expect(response.text == "done")
            #expect(response.headers["connection"] == "close")
            #expect(await busy.untilEnd())
        }
    }
}
