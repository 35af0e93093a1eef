import Foundation

/// Times as the wire has them: RFC 3339, UTC, six digits of a second (what Postgres keeps).
///
/// Arithmetic instead of a formatter: a list of a thousand entries has four thousand of them.
public enum RFC3339 {
    /// Writes a time, as `2025-01-31T09:05:07.250000Z`.
    public static func format(_ date: Date) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(27)
        append(date, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the 27 characters of a time. Years outside 0...9999 are clamped.
    public static func append(_ date: Date, to bytes: inout [UInt8]) {
        let clamped = min(max(date.timeIntervalSince1970, -62_167_219_200), 253_402_300_799)
        let micros = Int64((clamped * 1_000_000).rounded())
        let (seconds, fraction) = floorDivide(micros, 1_000_000)
        let (days, second) = floorDivide(seconds, 86_400)
        let (year, month, day) = civil(fromDays: days)
        digits(year, 4, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        digits(month, 2, to: &bytes)
        bytes.append(UInt8(ascii: "-"))
        digits(day, 2, to: &bytes)
        bytes.append(UInt8(ascii: "T"))
        digits(second / 3600, 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        digits(second / 60 % 60, 2, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        digits(second % 60, 2, to: &bytes)
        bytes.append(UInt8(ascii: "."))
        digits(fraction, 6, to: &bytes)
        bytes.append(UInt8(ascii: "Z"))
    }

    /// Reads a time: any number of fraction digits (those beyond the ninth are ignored), `Z` or a numeric offset,
    /// `T`, `t` or a space in the middle.
    /// - Returns: nil for anything else, for dates that do not exist, and for times that are outside of the years 1 to
    ///   9999 in UTC, which neither this form nor Postgres's text has.
    public static func parse(_ text: some StringProtocol) -> Date? {
        var reader = Reader(Array(text.utf8))
        guard let year = reader.number(4), reader.take("-"), let month = reader.number(2), reader.take("-"),
            let day = reader.number(2), reader.take("T") || reader.take("t") || reader.take(" "),
            let hour = reader.number(2), reader.take(":"), let minute = reader.number(2), reader.take(":"),
            let second = reader.number(2), let nanos = reader.fraction(), let offset = reader.offset(), reader.isAtEnd,
            (1...12).contains(month), day >= 1, day <= length(ofMonth: month, in: year), hour < 24, minute < 60,
            second <= 60
        else { return nil }
        let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
        guard (firstSecond...lastSecond).contains(seconds) else { return nil }
        // So far from 1970 a date is exact to 30 microseconds: the end of 9999 must not become the year 10000.
        return Date(timeIntervalSince1970: min(Double(seconds) + Double(nanos) / 1_000_000_000, lastTime))
    }

    /// 0001-01-01T00:00:00Z in seconds since 1970.
    private static let firstSecond: Int64 = -62_135_596_800
    /// 9999-12-31T23:59:59Z in seconds since 1970.
    private static let lastSecond: Int64 = 253_402_300_799
    /// The last time that is still in 9999 when it is written with six digits.
    private static let lastTime = 253_402_300_799.9999

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }

    private static func digits(_ value: Int64, _ count: Int, to bytes: inout [UInt8]) {
        var divisor: Int64 = 1
        for _ in 1..<count { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }

    /// Days since 1970-01-01 in the proleptic Gregorian calendar. The year is taken to begin in March, so that the
    /// leap day is its last, and 400 of them (146 097 days) repeat exactly.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let (era, yearOfEra) = floorDivide(month <= 2 ? year - 1 : year, 400)
        let dayOfYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = floorDivide(days + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    private static func length(ofMonth month: Int64, in year: Int64) -> Int64 {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// Takes the pieces of a time from its characters.
private struct Reader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func number(_ digits: Int) -> Int64? {
        var value: Int64 = 0
        for _ in 0..<digits {
            guard let digit = digit() else { return nil }
            value = value * 10 + digit
        }
        return value
    }

    /// The fraction of a second in nanoseconds, 0 when there is none, nil for a point without digits.
    mutating func fraction() -> Int64? {
        guard take(".") else { return 0 }
        var nanos: Int64 = 0
        var count = 0
        while let digit = digit() {
            if count < 9 { nanos = nanos * 10 + digit }
            count += 1
        }
        guard count > 0 else { return nil }
        for _ in min(count, 9)..<9 { nanos *= 10 }
        return nanos
    }

    /// Seconds east of Greenwich.
    mutating func offset() -> Int64? {
        if take("Z") || take("z") { return 0 }
        let isWest = take("-")
        guard isWest || take("+"), let hours = number(2), take(":"), let minutes = number(2), hours < 24, minutes < 60
        else { return nil }
        return (isWest ? -1 : 1) * (hours * 3600 + minutes * 60)
    }

    private mutating func digit() -> Int64? {
        guard position < bytes.count, bytes[position] >= UInt8(ascii: "0"), bytes[position] <= UInt8(ascii: "9") else {
            return nil
        }
        position += 1
        return Int64(bytes[position - 1] - UInt8(ascii: "0"))
    }
}
