import Testing

@testable import Multipart

@Suite("Names in multipart bodies")
struct NameTests {
    @Test(
        "of files are read as clients write them",
        arguments: [
            ("", nil),
            ("; filename=\"\"", ""),
            ("; filename=\"a.txt\"", "a.txt"),
            (";filename=a.txt", "a.txt"),
            ("; filename = a b.txt ; x=y", "a b.txt"),
            ("; FileName=\"a.txt\";", "a.txt"),
            (#"; filename="say \"hi\".txt""#, #"say "hi".txt"#),
            (#"; filename="a\\b""#, #"a\b"#),
            (#"; filename="C:\dir\new.txt""#, #"C:\dir\new.txt"#),
            ("; filename=\"a;b=c.txt\"", "a;b=c.txt"),
            ("; filename=\"%22a%22%0D%0A.txt\"", "\"a\"\r\n.txt"),
            ("; filename=\"100%25.txt\"", "100%25.txt"),
            ("; filename=\"100%\"", "100%"),
            ("; filename=\"naïve.txt\"", "naïve.txt"),
            ("; filename*=UTF-8''na%C3%AFve.txt", "naïve.txt"),
            ("; filename=\"x\"; filename*=utf-8'en'%e2%82%ac.txt", "€.txt"),
            ("; filename*=ISO-8859-1''%E9.txt; filename=\"x\"", "é.txt"),
            ("; filename=\"x\"; filename*=UTF-8''%C3.txt", "x"),
            ("; filename=\"x\"; filename*=KOI8-R''%C3.txt", "x"),
            ("; filename=\"x\"; filename*=UTF-8''%C", "x"),
            ("; filename=\"x\"; filename*=nonsense", "x"),
            ("; filename*=UTF-8''..%2F..%2Fetc", "../../etc"),
        ] as [(String, String?)])
    func fileNames(_ parameters: String, _ name: String?) throws {
        #expect(try parse(form(parameters)) == [ParsedPart("files", name, body: "x")])
    }

    @Test("that are not UTF-8 are repaired")
    func broken() throws {
        var bytes = Array(form("; filename=\"?.txt\"").utf8)
        let place = try #require(bytes.firstIndex(of: UInt8(ascii: "?")))
        bytes[place] = 0xFF
        #expect(try parse([bytes]).first?.fileName == "\u{FFFD}.txt")
    }

    @Test(
        "of boundaries are read from the type",
        arguments: [
            ("multipart/form-data; boundary=abc", "abc"),
            ("Multipart/Form-Data;BOUNDARY=\"a b\"; charset=utf-8", "a b"),
            (
                "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
                "----WebKitFormBoundary7MA4YWxkTrZu0gW"
            ),
            ("multipart/form-data", nil),
            ("multipart/form-data; boundary=", nil),
            ("multipart/form-data; boundary=\"\"", nil),
            ("multipart/form-data; boundary=\"a \"", nil),
            ("multipart/form-data; boundary=a{b", nil),
            ("multipart/form-data; boundary=a; boundary=b", nil),
            ("multipart/form-data; boundary=" + String(repeating: "x", count: 71), nil),
            ("multipart/mixed; boundary=abc", nil),
            ("application/json", nil),
            ("", nil),
        ] as [(String, String?)])
    func boundaries(_ type: String, _ boundary: String?) {
        #expect(MultipartBoundary(contentType: type).map { String(decoding: $0.bytes, as: UTF8.self) } == boundary)
    }
}
