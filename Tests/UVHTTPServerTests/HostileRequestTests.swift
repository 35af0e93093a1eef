import HTTPCore
import Testing
import UVHTTPServer

/// What becomes of requests that no honest client sends, or that only just pass.
@Suite struct HostileRequestTests {
    enum Verdict: Sendable {
        /// Responded to with the status; the connection goes on.
        case accepted(Int)
        /// Responded to with the status, and closed.
        case refused(Int)
        /// Closed without a response.
        case dropped
    }

    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        let verdict: Verdict
        var testDescription: String { name }

        init(_ name: String, _ text: String, _ verdict: Verdict) {
            self.init(name, Array(text.utf8), verdict)
        }

        init(_ name: String, _ bytes: [UInt8], _ verdict: Verdict) {
            self.name = name
            self.bytes = bytes
            self.verdict = verdict
        }

        static func get(_ name: String, _ fields: String, _ verdict: Verdict) -> Case {
            Case(name, "GET /hello HTTP/1.1\r\nHost: x\r\n\(fields)\r\n", verdict)
        }

        static func post(_ name: String, _ fields: String, _ body: String, _ verdict: Verdict) -> Case {
            Case(name, "POST /echo HTTP/1.1\r\nHost: x\r\n\(fields)\r\n\(body)", verdict)
        }

        static func chunked(_ name: String, _ body: String, _ verdict: Verdict) -> Case {
            post(name, "Transfer-Encoding: chunked\r\n", body, verdict)
        }
    }

    static func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: count) }

    static let lengths: [Case] = [
        .post("two lengths that differ", "Content-Length: 3\r\nContent-Length: 4\r\n", "abcd", .refused(400)),
        .post("two lengths that agree", "Content-Length: 3\r\nContent-Length: 3\r\n", "abc", .refused(400)),
        .post("a list of lengths", "Content-Length: 3, 3\r\n", "abc", .refused(400)),
        .post("a negative length", "Content-Length: -1\r\n", "", .refused(400)),
        .post("a signed length", "Content-Length: +3\r\n", "abc", .refused(400)),
        .post("a hexadecimal length", "Content-Length: 0x3\r\n", "abc", .refused(400)),
        .post("a length with a space in it", "Content-Length: 1 2\r\n", "abc", .refused(400)),
        .post("an empty length", "Content-Length:\r\n", "", .refused(400)),
        .post("a length beyond 64 bits", "Content-Length: 99999999999999999999\r\n", "", .refused(400)),
        .post("a length beyond the limit", "Content-Length: 1048577\r\n", "", .refused(413)),
        .post(
            "a length beside chunks", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", .refused(400)),
        .post(
            "chunks beside a length", "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", "0\r\n\r\n", .refused(400)),
        .post("a length with spaces around it", "Content-Length:  \t 3 \t\r\n", "abc", .accepted(200)),
        .post("no length at all", "", "", .accepted(200)),
        .get("a body where none is expected", "Content-Length: 3\r\n", .accepted(200)).with("abc"),
    ]

    static let codings: [Case] = [
        .chunked("chunks", "3\r\nabc\r\n0\r\n\r\n", .accepted(200)),
        .chunked("leading zeros in a chunk size", "0003\r\nabc\r\n0\r\n\r\n", .accepted(200)),
        .chunked("a chunk extension", "3;name=value\r\nabc\r\n0\r\n\r\n", .accepted(200)),
        .chunked("trailers", "3\r\nabc\r\n0\r\nX: y\r\n\r\n", .accepted(200)),
        .chunked("a chunk size that is none", "x\r\nabc\r\n0\r\n\r\n", .refused(400)),
        .chunked("a chunk size with 0x", "0x3\r\nabc\r\n0\r\n\r\n", .refused(400)),
        .chunked("a negative chunk size", "-3\r\nabc\r\n0\r\n\r\n", .refused(400)),
        .chunked("a chunk size beyond 64 bits", "fffffffffffffffff\r\nabc\r\n0\r\n\r\n", .refused(400)),
        .chunked("a chunk that is longer than its size", "2\r\nabc\r\n0\r\n\r\n", .refused(400)),
        .chunked("a chunk size that ends with a bare LF", "3\nabc\r\n0\r\n\r\n", .refused(400)),
        .chunked("a chunk that ends with a bare LF", "3\r\nabc\n0\r\n\r\n", .refused(400)),
        .chunked("a space after a chunk size", "3 \r\nabc\r\n0\r\n\r\n", .refused(400)),
        .chunked("a chunk extension without end", "3;\(repeated("a", 2000))\r\nabc\r\n0\r\n\r\n", .refused(400)),
        .chunked("a NUL in a chunk extension", "3;a=\0\r\nabc\r\n0\r\n\r\n", .refused(400)),
        .chunked("trailers without end", "0\r\n\(repeated("A: \(repeated("b", 1000))\r\n", 20))\r\n", .refused(431)),
        .post("another coding", "Transfer-Encoding: gzip\r\n", "", .refused(400)),
        .post("another coding before chunked", "Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n", .refused(501)),
        .post("chunked before another coding", "Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n", .refused(400)),
        .post("chunked twice", "Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n", .refused(400)),
        .post(
            "chunked in two fields", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n",
            .refused(400)),
        .post("a coding that looks like chunked", "Transfer-Encoding: xchunked\r\n", "0\r\n\r\n", .refused(400)),
        .post("a space before the colon of a coding", "Transfer-Encoding : chunked\r\n", "0\r\n\r\n", .refused(400)),
        Case(
            "chunks in HTTP/1.0", "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", .refused(400)),
    ]

    static let fields: [Case] = [
        .get("a folded field", "A: b\r\n c\r\n", .refused(400)),
        .get("a field folded with a tab", "A: b\r\n\tc\r\n", .refused(400)),
        Case("a first field that is folded", "GET /hello HTTP/1.1\r\n Host: x\r\n\r\n", .refused(400)),
        .get("a bare LF", "A: b\nC: d\r\n", .refused(400)),
        .get("a bare CR in a value", "A: b\rC: d\r\n", .refused(400)),
        Case("only bare LFs", "GET /hello HTTP/1.1\nHost: x\n\n", .refused(400)),
        Case("a bare LF at the end of the block", "GET /hello HTTP/1.1\r\nHost: x\r\n\n", .refused(400)),
        Case("a bare CR at the end of the block", "GET /hello HTTP/1.1\r\nHost: x\r\n\rX", .refused(400)),
        .get("a NUL in a value", "A: b\0c\r\n", .refused(400)),
        .get("a NUL in a name", "A\0: b\r\n", .refused(400)),
        .get("another control character in a value", "A: b\u{1}c\r\n", .refused(400)),
        .get("no name", ": b\r\n", .refused(400)),
        .get("no colon", "A b\r\n", .refused(400)),
        .get("a space before the colon", "A : b\r\n", .refused(400)),
        .get("a letter beyond ASCII in a name", "Ä: b\r\n", .refused(400)),
        .get("a letter beyond ASCII in a value", "A: ä\r\n", .accepted(200)),
        .get("an empty value", "A:\r\n", .accepted(200)),
        .get("a block beyond the limit", "A: \(repeated("b", 17_000))\r\n", .refused(431)),
        .get("a block just within the limit", "A: \(repeated("b", 16_000))\r\n", .accepted(200)),
        .get("too many fields", repeated("A: b\r\n", 200), .refused(431)),
        .get("an unknown expectation", "Expect: tea\r\n", .refused(417)),
    ]

    static let hosts: [Case] = [
        Case("no Host", "GET /hello HTTP/1.1\r\n\r\n", .refused(400)),
        Case("no Host in HTTP/1.0", "GET /hello HTTP/1.0\r\n\r\n", .refused(200)),
        .get("two Hosts", "Host: x\r\n", .refused(400)),
        Case("a Host with a user", "GET /hello HTTP/1.1\r\nHost: a@b\r\n\r\n", .refused(400)),
        Case("a Host with a path", "GET /hello HTTP/1.1\r\nHost: a/b\r\n\r\n", .refused(400)),
        Case("an IPv6 Host", "GET /hello HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", .accepted(200)),
        Case("the absolute form", "GET http://y:80/hello?a HTTP/1.1\r\nHost: x\r\n\r\n", .accepted(200)),
        Case("the absolute form of another scheme", "GET ftp://y/hello HTTP/1.1\r\nHost: x\r\n\r\n", .refused(400)),
        Case("the absolute form with a user", "GET http://a@y/hello HTTP/1.1\r\nHost: x\r\n\r\n", .refused(400)),
        Case("the absolute form without a path", "GET http://y HTTP/1.1\r\nHost: x\r\n\r\n", .accepted(404)),
    ]

    static let lines: [Case] = [
        Case("CONNECT", "CONNECT y:443 HTTP/1.1\r\nHost: y\r\n\r\n", .refused(501)),
        Case("TRACE", "TRACE /hello HTTP/1.1\r\nHost: x\r\n\r\n", .refused(501)),
        Case("an unknown method", "BREW /hello HTTP/1.1\r\nHost: x\r\n\r\n", .refused(501)),
        Case("a method in lower case", "get /hello HTTP/1.1\r\nHost: x\r\n\r\n", .refused(400)),
        Case("OPTIONS of the server", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", .accepted(204)),
        Case("another method of the server", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", .refused(400)),
        Case("HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .refused(505)),
        Case("HTTP/2.0", "GET /hello HTTP/2.0\r\nHost: x\r\n\r\n", .refused(505)),
        Case("HTTP/1.2", "GET /hello HTTP/1.2\r\nHost: x\r\n\r\n", .refused(505)),
        Case("HTTP/0.9 with a version", "GET /hello HTTP/0.9\r\n\r\n", .refused(505)),
        Case("HTTP/0.9", "GET /hello\r\n\r\n", .refused(505)),
        Case("a version with two digits", "GET /hello HTTP/1.10\r\nHost: x\r\n\r\n", .refused(400)),
        Case("a version in lower case", "GET /hello http/1.1\r\nHost: x\r\n\r\n", .refused(400)),
        Case("RTSP", "OPTIONS * RTSP/1.0\r\n\r\n", .refused(505)),
        Case("a target beyond the limit", "GET /\(repeated("a", 9000)) HTTP/1.1\r\nHost: x\r\n\r\n", .refused(414)),
        Case("a target with a space", "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", .refused(400)),
        Case("a target with a NUL", "GET /a\0b HTTP/1.1\r\nHost: x\r\n\r\n", .refused(400)),
        Case("a target with an encoded NUL", "GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n", .refused(400)),
        Case("a target beyond ASCII", "GET /ä HTTP/1.1\r\nHost: x\r\n\r\n", .refused(400)),
        Case("a target with a fragment", "GET /hello#a HTTP/1.1\r\nHost: x\r\n\r\n", .refused(400)),
        Case("a target without a slash", "GET hello HTTP/1.1\r\nHost: x\r\n\r\n", .refused(400)),
        Case("a path that climbs", "GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", .accepted(404)),
        Case("empty lines before a request", "\r\n\r\nGET /hello HTTP/1.1\r\nHost: x\r\n\r\n", .accepted(200)),
        Case("a space before a request", " GET /hello HTTP/1.1\r\nHost: x\r\n\r\n", .refused(400)),
        Case(
            "an upgrade nobody offers", "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
            .accepted(200)),
        Case("a TLS hello", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03], .refused(400)),
        Case("noise", (0..<512).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ 7) }, .refused(400)),
        Case("a response", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", .refused(501)),
    ]

    static let all = lengths + codings + fields + hosts + lines

    @Test func theServerOutlivesEveryRequest() async throws {
        #expect(Self.all.count >= 90)
        try await withServer { server in
            for test in Self.all {
                try await check(test, server)
                let honest = try server.client()
                honest.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await honest.response().text == "hello", "after: \(test.name)")
            }
        }
    }

    private func check(_ test: Case, _ server: TestServer) async throws {
        let client = try server.client()
        client.send(test.bytes)
        switch test.verdict {
        case .accepted(let status):
            let response = try? await client.response()
            #expect(response?.status == status, "\(test.name)")
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect((try? await client.response())?.text == "hello", "the connection goes on after: \(test.name)")
        case .refused(let status):
            let response = try? await client.response()
            #expect(response?.status == status, "\(test.name)")
            #expect(response?.headers["connection"] == "close", "\(test.name)")
            #expect(response?.headers["x-request-id"] != nil, "\(test.name)")
            // What else it sends is not looked at.
            client.send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(await client.untilEnd(), "the connection closes after: \(test.name)")
            #expect(client.rest == "", "nothing follows the refusal of: \(test.name)")
        case .dropped:
            #expect(await client.untilEnd(), "\(test.name)")
            #expect(client.rest == "", "\(test.name)")
        }
    }
}

extension HostileRequestTests.Case {
    func with(_ body: String) -> HostileRequestTests.Case {
        HostileRequestTests.Case(name, bytes + Array(body.utf8), verdict)
    }
}
