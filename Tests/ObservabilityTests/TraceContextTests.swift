import Observability
import Testing

@Suite struct TraceContextTests {
    private static let example = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    @Test func readsAndWritesTheHeader() throws {
        let context = try #require(TraceContext(traceparent: Self.example))
        #expect(context.traceID == "0af7651916cd43dd8448eb211c80319c")
        #expect(context.spanID == 0xb7ad_6b71_6920_3331)
        #expect(context.isSampled)
        #expect(context.traceparent == Self.example)
        let unsampled = String(Self.example.dropLast()) + "0"
        #expect(TraceContext(traceparent: unsampled)?.traceparent == unsampled)
    }

    @Test(arguments: [
        "", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-\(String(repeating: "0", count: 32))-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01more",
        "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
    ])
    func refuses(_ header: String) {
        #expect(TraceContext(traceparent: header) == nil)
    }

    @Test func handsOnOnlyWhatItReads() {
        #expect(TraceContext.accepted(Self.example) == Self.example)
        #expect(TraceContext.accepted(String(repeating: "x", count: 12_000)) == nil)
        let later = Self.example.dropFirst(2)
        #expect(TraceContext.accepted("01\(later)") == "01\(later)")
        #expect(TraceContext.accepted("01\(later)-" + String(repeating: "x", count: 12_000)) == Self.example)
    }

    @Test func takesLaterVersions() {
        #expect(
            TraceContext(traceparent: "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more")?.isSampled == true
        )
        #expect(
            TraceContext(traceparent: "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02")?.isSampled == false)
    }
}
