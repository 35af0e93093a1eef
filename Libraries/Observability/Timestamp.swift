import Glibc

/// An instant of the wall clock, written as RFC 3339 in UTC without any formatter's help (a log line must be cheap).
package struct Timestamp: Sendable, Hashable {
    /// Whole seconds since 1970.
    package let seconds: Int
    /// The rest, in nanoseconds.
    package let nanoseconds: Int

    package init(seconds: Int, nanoseconds: Int = 0) {
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// Now, by the system's clock.
    package static var now: Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(seconds: time.tv_sec, nanoseconds: time.tv_nsec)
    }

    /// `2026-01-02T03:04:05.678901Z`, to the microsecond.
    package var rfc3339: String {
        let (year, month, day) = civilDate
        let second = seconds - seconds.floorDivided(by: 86_400) * 86_400
        return String(unsafeUninitializedCapacity: 27) { buffer in
            func put(_ value: Int, _ width: Int, at place: Int) {
                var value = value
                for offset in stride(from: width - 1, through: 0, by: -1) {
                    buffer[place + offset] = 0x30 + UInt8(value % 10)
                    value /= 10
                }
            }
            (buffer[4], buffer[7], buffer[10]) = (0x2D, 0x2D, 0x54)  // - - T
            (buffer[13], buffer[16], buffer[19], buffer[26]) = (0x3A, 0x3A, 0x2E, 0x5A)  // : : . Z
            put(year, 4, at: 0)
            put(month, 2, at: 5)
            put(day, 2, at: 8)
            put(second / 3600, 2, at: 11)
            put(second / 60 % 60, 2, at: 14)
            put(second % 60, 2, at: 17)
            put(nanoseconds / 1000, 6, at: 20)
            return 27
        }
    }

    /// The proleptic Gregorian date: years are counted from March, so that the leap day is a year's last, in cycles of 400
    /// years (146 097 days).
    private var civilDate: (year: Int, month: Int, day: Int) {
        let days = seconds.floorDivided(by: 86_400) + 719_468  // days since 0000-03-01
        let cycle = days.floorDivided(by: 146_097)
        let dayOfCycle = days - cycle * 146_097
        let yearOfCycle = (dayOfCycle - dayOfCycle / 1460 + dayOfCycle / 36_524 - dayOfCycle / 146_096) / 365
        let dayOfYear = dayOfCycle - (365 * yearOfCycle + yearOfCycle / 4 - yearOfCycle / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = yearOfCycle + cycle * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}

extension Int {
    /// Division that rounds down for negative numbers too.
    fileprivate func floorDivided(by divisor: Int) -> Int {
        self >= 0 ? self / divisor : -((-self + divisor - 1) / divisor)
    }
}
