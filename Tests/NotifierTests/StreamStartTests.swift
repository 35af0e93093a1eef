import Testing

@testable import Notifier

@Suite("Where a stream begins")
struct StreamStartTests {
    @Test(arguments: [
        (nil, nil, ResumeRequest.now), (nil, "", .now), ("", nil, .now), ("", "7", .after(7)), (nil, "0", .oldest),
        ("7", nil, .after(7)), ("7", "3", .after(7)), (nil, "9223372036854775807", .after(.max)),
        (nil, "9223372036854775808", .unreadable), ("-1", nil, .unreadable), ("abc", nil, .unreadable),
        ("7 ", nil, .unreadable),
    ])
    func isReadFromTheRequest(_ lastEventID: String?, _ since: String?, _ wanted: ResumeRequest) {
        #expect(ResumeRequest(lastEventID: lastEventID, since: since) == wanted)
    }

    private static let last = LogPosition(transaction: 90, sequence: 50)

    @Test(arguments: [
        (ResumeRequest.now, StreamStart.now), (.oldest, .after(.start)),
        (.after(20), .reset(reason: "unknown position", oldest: 10, after: last)),
        (.after(51), .reset(reason: "unknown position", oldest: 10, after: last)),
        (.after(9), .reset(reason: "older than what is kept", oldest: 10, after: last)),
        (.unreadable, .reset(reason: "not a position", oldest: 10, after: last)),
    ])
    func isFromNowOnAndSaidSoWhereTheLogDoesNotKnow(_ request: ResumeRequest, _ wanted: StreamStart) {
        #expect(StreamStart(request, known: nil, bounds: (10, Self.last)) == wanted)
    }

    @Test func isBehindAnEventThatTheLogHas() {
        let known = LogPosition(transaction: 70, sequence: 20)
        #expect(StreamStart(.after(20), known: known, bounds: (10, Self.last)) == .after(known))
        #expect(
            StreamStart(.after(20), known: nil, bounds: (nil, .start))
                == .reset(reason: "unknown position", oldest: nil, after: .start))
    }
}
