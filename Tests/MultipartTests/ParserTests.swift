import Testing

@testable import Multipart

@Suite("Multipart bodies")
struct ParserTests {
    private static let whole = """
        preamble\r
        --b \t\r
        Content-Disposition: form-data; name="files"; filename="a.txt"\r
        Content-Type: text/plain\r
        \r
        one\r\n--\r\n-\r\r\n--a\r\n\r
        --b\r
        content-disposition:form-data;name=note\r
        \r
        \r
        --b\r
        Content-Disposition: form-data; name="files"; filename=""\r
        \r
        --b\r
        Content-Disposition: form-data; name="files"; filename="ü \\"q\\".bin"\r
        X-Other: ignored\r
        \r
        \r\n\r\n\r
        --b--\r
        epilogue --b\r\n
        """
    private static let parts = [
        ParsedPart("files", "a.txt", "text/plain", body: "one\r\n--\r\n-\r\r\n--a\r\n"),
        ParsedPart("note", body: ""),
        ParsedPart("files", "", body: ""),
        ParsedPart("files", "ü \"q\".bin", body: "\r\n\r\n"),
    ]

    @Test("are the same however they are cut in two")
    func everySplit() throws {
        let bytes = Array(Self.whole.utf8)
        for position in 0...bytes.count {
            #expect(try parse([Array(bytes[..<position]), Array(bytes[position...])]) == Self.parts, "at \(position)")
        }
    }

    @Test("are the same in pieces of every size", arguments: 1...80)
    func everySize(_ size: Int) throws {
        let bytes = Array(Self.whole.utf8)
        let pieces = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
        #expect(try parse(pieces) == Self.parts)
    }

    @Test("end with their final boundary, wherever they are cut before it")
    func unfinished() throws {
        let bytes = Array(Self.whole.utf8)
        let end = bytes.count - "\r\nepilogue --b\r\n".utf8.count
        for count in 0..<end {
            #expect(throws: MultipartError.unfinished, "\(count)") { try parse([Array(bytes[..<count])]) }
        }
    }

    @Test("pass their parts on as they come: nothing but what may be a boundary is held back")
    func passing() throws {
        let boundary = try #require(MultipartBoundary(Array("b".utf8)))
        var parser = MultipartParser(boundary: boundary)
        _ = try parser.consume(Array("--b\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n".utf8))
        #expect(try parser.consume(Array("abc\r\n-".utf8)) == [.body(Array("abc".utf8))])
        #expect(try parser.consume(Array("x".utf8)) == [.body(Array("\r\n-x".utf8))])
        #expect(try parser.consume(Array("\r\n--b".utf8)) == [.partEnd])
        #expect(!parser.isFinished)
        #expect(try parser.consume(Array("--".utf8)) == [])
        #expect(parser.isFinished && parser.partCount == 1)
    }

    @Test(
        "are refused when they break the grammar",
        arguments: [
            "--b\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: attachment; name=\"f\"\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=\"f\"; name=\"g\"\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"open\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=\"f\"\r\nContent-Disposition: form-data; name=\"g\"\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=\"f\"\r\n folded: yes\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition form-data\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=\"f\u{1}\"\r\n\r\nx\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=\"f\"\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--b--",
            "--b\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nx\r\n--bb\r\ny\r\n--b--",
            "--b -- \r\n",
            "--b\nContent-Disposition: form-data; name=\"f\"\n\nx\n--b--",
        ])
    func malformed(_ text: String) {
        do {
            _ = try parse(text)
            Issue.record("was taken")
        } catch let error as MultipartError {
            if case .malformed = error { return }
            Issue.record(error)
        } catch {
            Issue.record(error)
        }
    }

    @Test("have bounded parts, header fields and preambles")
    func limits() throws {
        var limits = MultipartLimits()
        limits.parts = 2
        let part = "--b\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\nx\r\n"
        #expect(try parse(part + part + "--b--", limits: limits).count == 2)
        #expect(throws: MultipartError.tooManyParts(limit: 2)) {
            try parse(part + part + part + "--b--", limits: limits)
        }
        #expect(throws: MultipartError.preambleTooLarge) { try parse(String(repeating: "x", count: 1025) + part) }
        #expect(throws: MultipartError.preambleTooLarge) {
            try parse(String(repeating: "x", count: 1 << 16))
        }
        #expect(try parse(String(repeating: "x", count: 1024) + "\r\n" + part + "--b--").count == 1)
        #expect(throws: MultipartError.headersTooLarge) {
            try parse("--b\r\nA: " + String(repeating: "x", count: 9000))
        }
        let fields = String(repeating: "A: b\r\n", count: 16)
        #expect(throws: MultipartError.headersTooLarge) {
            try parse("--b\r\n\(fields)Content-Disposition: form-data; name=\"f\"\r\n\r\nx\r\n--b--")
        }
        #expect(try parse("--b--").isEmpty)
    }
}
