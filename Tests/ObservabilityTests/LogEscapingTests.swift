import Observability
import Testing
import TestSupport

/// What comes from outside cannot end a line, begin another, or make it anything but JSON.
@Suite struct LogEscapingTests {
    private func line(_ variables: LogMetadata) throws -> [String: Any] {
        let lines = LogLines()
        Logger(service: "test", output: lines.output).error("it happened", variables)
        let objects = try lines.objects()
        #expect(objects.count == 1)
        return try #require(objects.first)
    }

    @Test func everyControlCharacterStaysWithinItsValue() throws {
        for scalar in [0..<0x20, 0x7F..<0xA0, 0x2028..<0x202A].joined() {
            let text = "a\(Unicode.Scalar(UInt32(scalar))!)b"
            #expect(try line([.error: .string(text)])["error"] as? String == text, "\(scalar)")
        }
    }

    @Test(arguments: [
        #"","level":"debug"#, "\\", "\\\"", "\"\u{301}", "\\\u{301}", "\r\n{\"level\":\"error\"}\r\n", "a\u{FEFF}b", "",
        "👩‍👩‍👧‍👦", "\u{202E}txt.exe",
    ])
    func aValueIsReadAsItWasGiven(_ text: String) throws {
        let line = try line([.error: .string(text), .custom("other"): "kept"])
        #expect(line["error"] as? String == text)
        #expect(line["other"] as? String == "kept" && line["level"] as? String == "error")
        #expect(line.count == 6)
    }

    @Test func aServiceIsEscapedToo() throws {
        let lines = LogLines()
        Logger(service: "a\"\nb", output: lines.output).info("it happened")
        #expect(try lines.objects().first?["service"] as? String == "a\"\nb")
    }

    /// JSON has no such numbers.
    @Test(arguments: [Double.nan, .infinity, -.infinity]) func whatIsNoNumberLeavesTheLineJSON(_ value: Double) throws {
        let line = try line([.custom("ratio"): .double(value), .count: .int(.min)])
        #expect(line["ratio"] is Double == false && line["count"] as? Int == .min)
    }

    @Test func aLongValueIsWrittenWhole() throws {
        let text = String(repeating: "\"é\n", count: 100_000)
        #expect(try line([.error: .string(text)])["error"] as? String == text)
    }
}
