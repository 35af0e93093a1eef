import EventLoop
import HTTPCore
import HTTPServer
import TestSupport
import Testing

@Suite struct PipeliningTests {
    private static func request(_ number: Int, _ body: String = "") -> String {
        "POST /number/\(number) HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private static func route(_ router: inout Router) {
        // Every third answer takes its time.
        router.on(.post, "/number/{n}") { request in
            let number = request.parameters["n"] ?? ""
            if let value = Int(number), value % 3 == 0 { try await request.loop.sleep(for: .milliseconds(2)) }
            return .text(number)
        }
    }

    @Test(arguments: [1, 17, 1000, 1 << 20])
    func answersComeInOrder(piece: Int) async throws {
        try await withServer(routes: Self.route) { server in
            let client = try server.client()
            let bytes = Array((0..<60).map { Self.request($0, "body") }.joined().utf8)
            for start in stride(from: 0, to: bytes.count, by: piece) {
                client.send(Array(bytes[start..<min(bytes.count, start + piece)]))
            }
            for number in 0..<60 { #expect(try client.answer().text == String(number)) }
        }
    }

    @Test func moreThanFitsIsReadWhenItsTurnComes() async throws {
        try await withServer(routes: Self.route) { server in
            let client = try server.client()
            let body = String(repeating: "b", count: 10_000)
            // Far more than the connection keeps, so that it must stop reading and start again.
            let sender = Task.detached { [client = Sendables(client)] in
                for number in 0..<100 { client.value.send(Self.request(number, body)) }
            }
            for number in 0..<100 { #expect(try client.answer().text == String(number)) }
            await sender.value
        }
    }

    @Test func nothingBehindARefusalIsAnswered() async throws {
        try await withServer(routes: Self.route) { server in
            let client = try server.client()
            client.send(Self.request(3) + "nonsense\r\n\r\n" + Self.request(4))
            #expect(try client.answer().text == "3")
            #expect(try client.answer().status == 501)
            #expect(client.untilEnd())
            #expect(client.rest == "")
        }
    }

    @Test func theClientMayEndItsInputAfterItsRequests() async throws {
        try await withServer(routes: Self.route) { server in
            let client = try server.client()
            client.send(Self.request(3) + Self.request(6) + Self.request(7))
            client.endInput()
            for number in [3, 6, 7] { #expect(try client.answer().text == String(number)) }
            #expect(client.untilEnd())
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
        }
    }

    @Test func drainingFinishesWhatIsUnderWay() async throws {
        let started = Flag()
        try await withServer(routes: { router in
            router.on(.get, "/slow") { request in
                started.raise()
                try await request.loop.sleep(for: .milliseconds(200))
                return .text("done")
            }
        }) { server in
            let busy = try server.client()
            let idle = try server.client()
            idle.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(try idle.answer().status == 200)
            busy.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
            try await eventually("the handler started") { started.isRaised }
            await server.server.stopAccepting()
            #expect(idle.untilEnd())
            #expect(throws: (any Error).self) { try server.client() }
            let answer = try busy.answer()
            #expect(answer.text == "done")
            #expect(answer.headers["connection"] == "close")
            #expect(busy.untilEnd())
        }
    }
}
