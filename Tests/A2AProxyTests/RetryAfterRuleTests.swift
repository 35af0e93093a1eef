import A2AProxy
import Foundation
import HTTPCore
import Testing

@Suite struct RetryAfterRuleTests {
    /// Sun, 06 Nov 1994 08:49:37 GMT
    private let then = Date(timeIntervalSince1970: 784_111_777)

    @Test(arguments: [("0", 0), ("30", 30), ("3600", 3600), ("3601", 3600), ("99999999999999999999999", 3600)])
    func seconds(_ text: String, _ seconds: Int) {
        #expect(RetryAfter.read(["Retry-After": text]) == .seconds(seconds))
    }

    @Test(arguments: [
        "Sun, 06 Nov 1994 08:50:07 GMT", "Sunday, 06-Nov-94 08:50:07 GMT", "Sun Nov  6 08:50:07 1994",
    ])
    func dates(_ text: String) {
        #expect(RetryAfter.read(["Retry-After": text], now: then) == .seconds(30))
    }

    @Test func aDateIsNeverInThePastNorTooFarAway() {
        #expect(RetryAfter.read(["Retry-After": "Sun, 06 Nov 1994 08:00:00 GMT"], now: then) == .zero)
        #expect(RetryAfter.read(["Retry-After": "Sun, 06 Nov 2094 08:49:37 GMT"], now: then) == .seconds(3600))
    }

    @Test func theAgentsOwnClockCounts() {
        let headers: HTTPHeaders = [
            "Date": "Mon, 07 Nov 1994 08:49:37 GMT", "Retry-After": "Mon, 07 Nov 1994 08:50:37 GMT",
        ]
        #expect(RetryAfter.read(headers, now: then) == .seconds(60))
    }

    @Test(arguments: ["", "soon", "-5", "1.5", "+3", "Sun, 06 Nov 1994", "Sun, 31 Feb 1994 08:49:37 GMT"])
    func whatCannotBeReadIsNothing(_ text: String) {
        #expect(RetryAfter.read(["Retry-After": text], now: then) == nil)
        #expect(RetryAfter.read([:], now: then) == nil)
    }
}
