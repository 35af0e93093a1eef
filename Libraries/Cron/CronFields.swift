import ASCIIText

/// What the five fields allow, as sets of bits, and the search for the next time that they do.
struct CronFields: Sendable, Hashable {
    static let everyMinute: UInt64 = (1 << 60) - 1
    static let everyHour: UInt32 = (1 << 24) - 1
    static let everyDay: UInt32 = ~1
    static let everyMonth: UInt16 = 0b1_1111_1111_1110
    static let everyWeekday: UInt8 = 0b111_1111

    /// Bits 0 to 59.
    var minutes = everyMinute
    /// Bits 0 to 23.
    var hours = everyHour
    /// Bits 1 to 31.
    var days = everyDay
    /// Bits 1 to 12.
    var months = everyMonth
    /// Bits 0 (Sunday) to 6.
    var weekdays = everyWeekday
    /// The hour field begins with `*`: every minute of real time matches by what the clock shows then.
    var followsRealTime = true
    /// Both day fields are restricted: either may match. Else both must.
    var matchesEitherDay = false

    /// Whether there is a day at all that the fields allow.
    var isPossible: Bool {
        // A weekday falls on every day of the calendar in some year, 29 February included.
        matchesEitherDay
            || (1...12).contains { month in
                let length = CivilDay.daysInMonth(month, of: 2000)
                return months & 1 << month != 0 && days & (2 << UInt32(length) &- 1) != 0
            }
    }

    /// The days of a month that match, the first as bit 0.
    ///
    /// - Parameter first: the number of its first day.
    private func matchingDays(year: Int, month: Int, first: Int) -> UInt32 {
        // The week six times over, so that it can begin with any day.
        let weeks = UInt64(weekdays) &* 0x0408_1020_4081
        let byWeekday = UInt32(truncatingIfNeeded: weeks >> UInt64(CivilDay.weekday(ofNumber: first)))
        let byDay = days >> 1
        let all = UInt32.max >> UInt32(32 - CivilDay.daysInMonth(month, of: year))
        return (matchesEitherDay ? byDay | byWeekday : byDay & byWeekday) & all
    }

    /// The first minute of a day, from one on, that the fields allow.
    private func minuteOfDay(from minute: Int) -> Int? {
        let hour = minute / 60
        if hours & 1 << UInt32(hour) != 0 {
            let rest = minutes >> UInt64(minute % 60)
            if rest != 0 { return minute + rest.trailingZeroBitCount }
        }
        let later = hours & ~(2 << UInt32(hour) - 1)
        return later == 0 ? nil : later.trailingZeroBitCount * 60 + minutes.trailingZeroBitCount
    }

    /// The first month after one in which a day may match.
    private func monthAfter(_ month: Int, of year: Int) -> (month: Int, year: Int) {
        let later = months & ~(2 << UInt16(month) - 1)
        return later != 0 ? (later.trailingZeroBitCount, year) : (months.trailingZeroBitCount, year + 1)
    }

    /// The first time on the clock after another that the fields allow. Takes a step a month at most, and those only
    /// through months that the fields name: 40 for a 29 February that is a Sunday, across 2100.
    ///
    /// - Parameter clock: what the clock shows, as seconds since it showed 1970-01-01 00:00.
    /// - Returns: a whole minute, strictly later; nil beyond the year 9999.
    func clockTime(after clock: Int) -> Int? {
        let minute = clock.dividedDown(by: 60) + 1
        let number = minute.dividedDown(by: 1440)
        let today = CivilDay(number: number)
        var (month, year) = (today.month, today.year)
        var first = number - today.day + 1
        var matching: UInt32 = 0
        if months & 1 << UInt16(month) != 0 {
            matching = matchingDays(year: year, month: month, first: first)
            let bit: UInt32 = 1 << UInt32(today.day - 1)
            if matching & bit != 0, let minute = minuteOfDay(from: minute - number * 1440) {
                return (number * 1440 + minute) * 60
            }
            matching &= ~(bit << 1 &- 1)
        }
        while matching == 0 {
            (month, year) = monthAfter(month, of: year)
            guard year <= 9999 else { return nil }
            first = CivilDay(year: year, month: month, day: 1).number
            matching = matchingDays(year: year, month: month, first: first)
        }
        let start = hours.trailingZeroBitCount * 60 + minutes.trailingZeroBitCount
        return ((first + matching.trailingZeroBitCount) * 1440 + start) * 60
    }
}
