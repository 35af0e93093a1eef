import HTTPCore
import Testing

/// Collects what a parser reports.
final class Recorder: HTTPParserDelegate {
    var heads: [HTTPMessageHead] = []
    var body: [UInt8] = []
    var completed = 0
    var keepAlive = true
    var expectation = HTTPParser.BodyExpectation.asFramed

    func parser(_ parser: HTTPParser, received head: HTTPMessageHead) -> HTTPParser.BodyExpectation {
        heads.append(head)
        return expectation
    }

    func parser(_ parser: HTTPParser, receivedBody bytes: UnsafeBufferPointer<UInt8>) {
        body.append(contentsOf: bytes)
    }

    func parser(_ parser: HTTPParser, completedMessageWithKeepAlive keepAlive: Bool) {
        completed += 1
        self.keepAlive = keepAlive
    }
}

@Suite struct ParserTests {
    /// Feeds the bytes in pieces of a size, resuming after every message.
    private func parse(
        _ text: String, _ mode: HTTPParser.Mode, piece: Int = .max, into recorder: Recorder = Recorder()
    ) -> (Recorder, HTTPParseError?) {
        let parser = HTTPParser(mode)
        parser.delegate = recorder
        let bytes = Array(text.utf8)
        var position = 0
        while position < bytes.count {
            let end = piece == .max ? bytes.count : min(position + piece, bytes.count)
            let outcome = bytes[position..<end].withUnsafeBufferPointer { parser.consume($0) }
            switch outcome {
            case .needsMore: position = end
            case .completed(let consumed), .upgraded(let consumed): position += consumed
            case .failed(let error): return (recorder, error)
            }
        }
        return (recorder, parser.finish())
    }

    @Test(arguments: [1, 2, 3, .max])
    func anUnknownMethodIsOneHoweverItIsCut(piece: Int) {
        #expect(parse("P\n1T H.0\r\n\r\n", .request, piece: piece).1?.kind == .unknownMethod)
        #expect(parse("\r\n\u{16}\u{03}", .request, piece: piece).1?.kind == .malformed)
    }

    @Test(arguments: [1, 2, 3, 7, .max])
    func readsPipelinedRequestsHoweverTheyAreCut(piece: Int) {
        let text =
            "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nX-Empty:\r\n\r\nhello"
            + "PUT /d HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nTrailer: t\r\n\r\n"
            + "GET / HTTP/1.0\r\n\r\n"
        let (recorder, error) = parse(text, .request, piece: piece)
        #expect(error == nil)
        #expect(recorder.completed == 3)
        #expect(recorder.heads.map(\.target) == ["/a?b=c", "/d", "/"])
        #expect(recorder.heads.map(\.method) == [.post, .put, .get])
        #expect(recorder.heads.map(\.keepAlive) == [true, true, false])
        #expect(recorder.heads[0].contentLength == 5)
        #expect(recorder.heads[0].headers["x-empty"] == "")
        #expect(recorder.heads[1].isChunked)
        #expect(recorder.heads[1].headers["trailer"] == nil)
        #expect(recorder.body == Array("helloabcde".utf8))
    }

    @Test(arguments: [1, 5, .max])
    func readsResponses(piece: Int) {
        let text =
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
            + "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil the end"
        let (recorder, error) = parse(text, .response, piece: piece)
        #expect(error == nil)
        #expect(recorder.heads.map(\.status.code) == [100, 200, 204, 200])
        #expect(recorder.completed == 4)
        #expect(recorder.body == Array("hiuntil the end".utf8))
        #expect(recorder.heads.last?.keepAlive == false)
    }

    @Test func theResponseToHeadHasNoBody() {
        let recorder = Recorder()
        recorder.expectation = .none
        let text = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
        let (_, error) = parse(text, .response, into: recorder)
        #expect(error == nil)
        #expect(recorder.completed == 2)
        #expect(recorder.body.isEmpty)
    }

    @Test func aMessageCutShortIsTruncated() {
        for text in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", "HTTP/1.1 200 OK\r\nConte",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        ] {
            let (_, error) = parse(text, .response)
            #expect(error?.kind == .truncated, "\(text)")
        }
    }

    @Test(arguments: [
        ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", HTTPParseError.Kind.unsupportedVersion),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", .unsupportedVersion),
        ("OPTIONS * RTSP/1.0\r\n\r\n", .unsupportedVersion),
        ("BREW / HTTP/1.1\r\nHost: x\r\n\r\n", .unknownMethod),
        ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\n\r\n", .targetTooLong),
        ("GET / HTTP/1.1\r\nA: \(String(repeating: "a", count: 17000))\r\n\r\n", .headTooLarge),
        ("GET / HTTP/1.1\r\n\(String(repeating: "a: b\r\n", count: 101))\r\n", .headTooLarge),
    ])
    func refuses(text: String, kind: HTTPParseError.Kind) {
        let (_, error) = parse(text, .request)
        #expect(error?.kind == kind)
    }
}
