/// A time of day on a civil day in UTC, to the microsecond, and its text without a zone: `2026-01-02T03:04:05.678901`.
///
/// Arithmetic instead of a formatter: a list of a thousand entries has four thousand times, and a log line must be cheap.
package struct CivilTime: Hashable, Sendable {
    /// The characters of a time whose year has four digits.
    package static let length = 26

    package let day: CivilDay
    /// 0 to 86 399.
    package let secondOfDay: Int
    /// 0 to 999 999.
    package let microsecond: Int

    /// - Parameters:
    ///   - seconds: whole seconds since 1970.
    ///   - microsecond: 0 to 999 999, the rest.
    package init(seconds: Int, microsecond: Int) {
        let number = seconds.dividedDown(by: 86_400)
        day = CivilDay(number: number)
        secondOfDay = seconds - number * 86_400
        self.microsecond = microsecond
    }

    /// - Parameter microseconds: since 1970.
    package init(microseconds: Int) {
        let seconds = microseconds.dividedDown(by: 1_000_000)
        self.init(seconds: seconds, microsecond: microseconds - seconds * 1_000_000)
    }

    /// Writes the ``length`` characters; of years beyond 0 to 9999 the last four digits.
    ///
    /// - Parameter separator: what stands between date and time.
    package func write(to text: UnsafeMutableBufferPointer<UInt8>, separator: UInt8) {
        let hyphen = UInt8(ascii: "-")
        let colon = UInt8(ascii: ":")
        let year = UInt32(truncatingIfNeeded: day.year.magnitude)
        text.putTwoDigits(year / 100 % 100, at: 0)
        text.putTwoDigits(year % 100, at: 2)
        text[4] = hyphen
        text.putTwoDigits(UInt32(truncatingIfNeeded: day.month), at: 5)
        text[7] = hyphen
        text.putTwoDigits(UInt32(truncatingIfNeeded: day.day), at: 8)
        text[10] = separator
        let second = UInt32(truncatingIfNeeded: secondOfDay)
        text.putTwoDigits(second / 3600, at: 11)
        text[13] = colon
        text.putTwoDigits(second / 60 % 60, at: 14)
        text[16] = colon
        text.putTwoDigits(second % 60, at: 17)
        text[19] = UInt8(ascii: ".")
        let fraction = UInt32(truncatingIfNeeded: microsecond)
        text.putTwoDigits(fraction / 10_000, at: 20)
        text.putTwoDigits(fraction / 100 % 100, at: 22)
        text.putTwoDigits(fraction % 100, at: 24)
    }

    /// Appends the text; a year beyond 9999 has as many digits as it needs.
    ///
    /// - Parameters:
    ///   - separator: what stands between date and time.
    ///   - zone: what stands behind it, such as `Z`.
    package func append(to text: inout [UInt8], separator: UInt8, zone: StaticString) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: Self.length) { characters in
            write(to: characters, separator: separator)
            let hasFourDigits = (0...9999).contains(day.year)
            if !hasFourDigits { IntegerText.append(day.year, to: &text) }
            text.append(contentsOf: UnsafeBufferPointer(rebasing: characters[(hasFourDigits ? 0 : 4)...]))
        }
        text.append(contentsOf: UnsafeBufferPointer(start: zone.utf8Start, count: zone.utf8CodeUnitCount))
    }
}

extension UnsafeMutableBufferPointer<UInt8> {
    @inline(__always)
    fileprivate func putTwoDigits(_ value: UInt32, at place: Int) {
        self[place] = 0x30 &+ UInt8(truncatingIfNeeded: value / 10)
        self[place &+ 1] = 0x30 &+ UInt8(truncatingIfNeeded: value % 10)
    }
}
