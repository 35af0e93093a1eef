import Testing

@testable import Notifier

@Suite("Ranges of files")
struct ByteRangeTests {
    @Test(
        "are read as RFC 9110 has them",
        arguments: [
            (nil, 10, .whole),
            ("bytes=0-4", 10, .part(0..<5)),
            ("bytes=9-9", 10, .part(9..<10)),
            ("bytes=5-", 10, .part(5..<10)),
            ("bytes=5-99", 10, .part(5..<10)),
            ("bytes=-3", 10, .part(7..<10)),
            ("bytes=-99", 10, .part(0..<10)),
            ("BYTES= 2 - 3", 10, .part(2..<4)),
            ("bytes=0-9223372036854775807", 10, .part(0..<10)),
            ("bytes=0-99999999999999999999999", 10, .part(0..<10)),
            ("bytes=-99999999999999999999999", 10, .part(0..<10)),
            ("bytes=99999999999999999999999-", 10, .unsatisfiable),
            ("bytes=10-", 10, .unsatisfiable),
            ("bytes=10-20", 10, .unsatisfiable),
            ("bytes=-0", 10, .unsatisfiable),
            ("bytes=0-", 0, .unsatisfiable),
            ("bytes=-1", 0, .unsatisfiable),
            ("bytes=4-2", 10, .whole),
            ("bytes=0-1,4-5", 10, .whole),
            ("bytes=", 10, .whole),
            ("bytes=-", 10, .whole),
            ("bytes=a-b", 10, .whole),
            ("bytes=1-2-3", 10, .whole),
            ("bytes=--1", 10, .whole),
            ("bytes=+1-2", 10, .whole),
            ("lines=0-4", 10, .whole),
            ("bytes 0-4", 10, .whole),
            ("", 10, .whole),
        ] as [(String?, Int, ByteRange)])
    func table(_ header: String?, _ size: Int, _ range: ByteRange) {
        #expect(ByteRange(header, size: size) == range)
    }

    @Test("need the same bytes; what has not changed is not sent again")
    func tags() {
        let (strong, weak) = (EntityTag(strong: "a"), EntityTag(weak: "a"))
        for header in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "\"b\",W/\"a\" ", "*"] {
            #expect(strong.isNamed(in: header) && weak.isNamed(in: header), "\(header)")
        }
        for header in [nil, "", "a", "\"b\"", "\"A\""] { #expect(!strong.isNamed(in: header)) }
        #expect(strong.allowsRange(nil) && weak.allowsRange(nil))
        #expect(strong.allowsRange("\"a\"") && !weak.allowsRange("W/\"a\""))
        #expect(!strong.allowsRange("W/\"a\"") && !strong.allowsRange("\"b\""))
        #expect(!strong.allowsRange("Tue, 01 Jan 2030 00:00:00 GMT"))
    }
}
