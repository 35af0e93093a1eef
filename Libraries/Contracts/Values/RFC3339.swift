import ASCIIText
import Foundation

/// Times as the wire has them: RFC 3339, UTC, six digits of a second (what Postgres keeps).
public enum RFC3339 {
    /// Writes a time, as `2025-01-31T09:05:07.250000Z`.
    public static func format(_ date: Date) -> String {
        let time = civilTime(date)
        return String(unsafeUninitializedCapacity: CivilTime.length + 1) { buffer in
            time.write(to: buffer, separator: UInt8(ascii: "T"))
            buffer[CivilTime.length] = UInt8(ascii: "Z")
            return CivilTime.length + 1
        }
    }

    /// Appends the 27 characters of a time. Years outside 0...9999 are clamped.
    public static func append(_ date: Date, to bytes: inout [UInt8]) {
        civilTime(date).append(to: &bytes, separator: UInt8(ascii: "T"), zone: "Z")
    }

    private static func civilTime(_ date: Date) -> CivilTime {
        let clamped = min(max(date.timeIntervalSince1970, -62_167_219_200), lastTime)
        return CivilTime(microseconds: Int((clamped * 1_000_000).rounded()))
    }

    /// Reads a time: any number of fraction digits (those beyond the ninth are ignored), `Z` or a numeric offset,
    /// `T`, `t` or a space in the middle.
    /// - Returns: nil for anything else, for dates that do not exist, and for times that are outside of the years 1 to
    ///   9999 in UTC, which neither this form nor Postgres's text has.
    public static func parse(_ text: some StringProtocol) -> Date? {
        let utf8 = text.utf8
        if let date = utf8.withContiguousStorageIfAvailable({ parse($0) }) { return date }
        return Array(utf8).withUnsafeBufferPointer { parse($0) }
    }

    private static func parse(_ text: UnsafeBufferPointer<UInt8>) -> Date? {
        var reader = TimeReader(text)
        guard let year = reader.number(digits: 4), reader.take("-"), let month = reader.number(digits: 2),
            reader.take("-"), let day = reader.number(digits: 2),
            reader.take("T") || reader.take("t") || reader.take(" "),
            let hour = reader.number(digits: 2), reader.take(":"), let minute = reader.number(digits: 2),
            reader.take(":"), let second = reader.number(digits: 2), let nanoseconds = reader.fraction(),
            let offset = offset(&reader), reader.isAtEnd,
            (1...12).contains(month), day >= 1, day <= CivilDay.daysInMonth(month, of: year), hour < 24, minute < 60,
            second <= 60
        else { return nil }
        let days = CivilDay(year: year, month: month, day: day).number
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset
        guard (firstSecond...lastSecond).contains(seconds) else { return nil }
        // So far from 1970 a date is exact to 30 microseconds: the end of 9999 must not become the year 10000.
        return Date(timeIntervalSince1970: min(Double(seconds) + Double(nanoseconds) / 1_000_000_000, lastTime))
    }

    /// Seconds east of Greenwich.
    private static func offset(_ reader: inout TimeReader) -> Int? {
        if reader.take("Z") || reader.take("z") { return 0 }
        let isWest = reader.take("-")
        guard isWest || reader.take("+"), let hours = reader.number(digits: 2), reader.take(":"),
            let minutes = reader.number(digits: 2), hours < 24, minutes < 60
        else { return nil }
        return (isWest ? -1 : 1) * (hours * 3600 + minutes * 60)
    }

    /// 0001-01-01T00:00:00Z in seconds since 1970.
    private static let firstSecond = -62_135_596_800
    /// 9999-12-31T23:59:59Z in seconds since 1970.
    private static let lastSecond = 253_402_300_799
    /// The last time that is still in 9999 when it is written with six digits.
    private static let lastTime = 253_402_300_799.9999
}
