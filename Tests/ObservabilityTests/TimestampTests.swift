import Foundation
import Observability
import Testing

@Suite struct TimestampTests {
    @Test(arguments: [
        (0, 0, "1970-01-01T00:00:00.000000Z"), (951_782_399, 999_999_999, "2000-02-28T23:59:59.999999Z"),
        (951_782_400, 1000, "2000-02-29T00:00:00.000001Z"), (1_709_251_200, 0, "2024-03-01T00:00:00.000000Z"),
        (4_102_444_799, 0, "2099-12-31T23:59:59.000000Z"), (-1, 0, "1969-12-31T23:59:59.000000Z"),
        (4_107_542_400, 0, "2100-03-01T00:00:00.000000Z"),
    ])
    func writesTimestamps(_ seconds: Int, _ nanoseconds: Int, _ text: String) {
        #expect(Timestamp(seconds: seconds, nanoseconds: nanoseconds).rfc3339 == text)
    }

    @Test func agreesWithFoundationOnDates() {
        for seconds in stride(from: -2_000_000_000, to: 6_000_000_000, by: 86_400 * 37 + 12_345) {
            let theirs = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
            #expect(Timestamp(seconds: seconds).rfc3339 == theirs.dropLast() + ".000000Z")
        }
    }
}
