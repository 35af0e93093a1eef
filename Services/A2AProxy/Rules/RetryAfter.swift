import Foundation
import HTTPCore

/// Parses an agent's `Retry-After`.
package enum RetryAfter {
    /// The upper bound; longer values are clamped to it.
    package static let longest: Duration = .seconds(3600)

    /// Reads seconds, or a date, which is taken relative to the response's `Date` when there is one.
    ///
    /// - Returns: zero up to ``longest``; nil when the field is absent or unreadable.
    package static func read(_ headers: HTTPHeaders, now: Date = Date()) -> Duration? {
        guard let text = headers["retry-after"] else { return nil }
        if !text.isEmpty, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            // Truncated, since more digits would overflow; 18 digits exceed the longest, too.
            return min(.seconds(Int(text.prefix(18)) ?? 0), longest)
        }
        guard let date = date(text) else { return nil }
        let seconds = date.timeIntervalSince(headers["date"].flatMap(Self.date) ?? now)
        return max(.zero, min(.seconds(seconds), longest))
    }

    /// IMF-fixdate, and the two obsolete formats that RFC 9110 requires recipients to accept.
    private static let formats = [
        "EEE, dd MMM yyyy HH:mm:ss 'GMT'", "EEEE, dd-MMM-yy HH:mm:ss 'GMT'", "EEE MMM d HH:mm:ss yyyy",
    ]

    /// Dates are rare here: the formatter is created on demand.
    private static func date(_ text: String) -> Date? {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = .gmt
        for format in formats {
            formatter.dateFormat = format
            if let date = formatter.date(from: text) { return date }
        }
        return nil
    }
}
