import ASCIIText
import Foundation

/// `timestamptz` as text; every session is in UTC with ISO dates.
enum TimestampText {
    /// `2026-01-02 03:04:05.678901+00`
    static func write(_ date: Date, to text: inout [UInt8]) {
        let time = CivilTime(microseconds: Int((date.timeIntervalSince1970 * 1_000_000).rounded()))
        time.append(to: &text, separator: UInt8(ascii: " "), zone: "+00")
    }

    /// Reads what a session in UTC writes for `timestamptz`, `timestamp` and `date`; nil for anything else,
    /// infinity included.
    static func read(_ text: UnsafeBufferPointer<UInt8>) -> Date? {
        var reader = TimeReader(text)
        guard let year = reader.number(), reader.take("-"), let month = reader.number(), reader.take("-"),
            let day = reader.number()
        else { return nil }
        var seconds = CivilDay(year: year, month: month, day: day).number * 86_400
        guard !reader.isAtEnd else { return Date(timeIntervalSince1970: Double(seconds)) }
        guard reader.take(" "), let hour = reader.number(), reader.take(":"), let minute = reader.number(),
            reader.take(":"), let second = reader.number(), let nanoseconds = reader.fraction()
        else { return nil }
        seconds += hour * 3600 + minute * 60 + second
        guard reader.isAtEnd || (reader.take("+") && reader.number() == 0 && reader.isAtEnd) else { return nil }
        return Date(timeIntervalSince1970: Double(seconds) + Double(nanoseconds) / 1_000_000_000)
    }
}
