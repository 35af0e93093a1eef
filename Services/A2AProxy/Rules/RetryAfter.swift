import Foundation
import HTTPCore

/// What an agent's `Retry-After` asks for.
package enum RetryAfter {
    /// Agents that ask for more are tried again after this long.
    package static let longest: Duration = .seconds(3600)

    /// Reads seconds, or a date, which is taken by the agent's own clock when it says what that shows.
    ///
    /// - Returns: zero up to ``longest``; nil when there is nothing that can be read.
    package static func read(_ headers: HTTPHeaders, now: Date = Date()) -> Duration? {
        guard let text = headers["retry-after"] else { return nil }
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            // More digits than a number has are more than the longest, too.
            return min(.seconds(Int(text.prefix(18)) ?? 0), longest)
        }
        guard let date = date(text) else { return nil }
        let seconds = date.timeIntervalSince(headers["date"].flatMap(Self.date) ?? now)
        return max(.zero, min(.seconds(seconds), longest))
    }

    /// The usual form, and the two that RFC 9110 wants to be understood as well.
    private static let forms = [
        "EEE, dd MMM yyyy HH:mm:ss 'GMT'", "EEEE, dd-MMM-yy HH:mm:ss 'GMT'", "EEE MMM d HH:mm:ss yyyy",
    ]

    /// Dates are rare between programs: what reads them is made when there is one.
    private static func date(_ text: String) -> Date? {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = .gmt
        for form in forms {
            formatter.dateFormat = form
            if let date = formatter.date(from: text) { return date }
        }
        return nil
    }
}
