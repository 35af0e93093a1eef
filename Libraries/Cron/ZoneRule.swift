import ASCIIText

/// An instant at which the clock of a zone is set.
struct ZoneTransition: Sendable, Hashable {
    /// Seconds since 1970.
    var instant: Int
    /// What the clock shows from then on, less UTC, in seconds.
    var offset: Int
}

/// When the clock is put forward and back every year: the last line of a zone's file, as POSIX writes the variable TZ,
/// with the hours of RFC 8536 (-167 to 167).
struct ZoneRule: Sendable, Hashable {
    /// A day of the year, and a time of it on the clock that runs until then.
    struct Change: Sendable, Hashable {
        enum Day: Sendable, Hashable {
            /// `Jn`, 1 to 365: 29 February is not counted.
            case counted(Int)
            /// `n`, 0 to 365: it is.
            case ofYear(Int)
            /// `Mm.w.d`: weekday d (Sunday is 0) of week w of month m; week 5 is the last.
            case weekday(month: Int, week: Int, weekday: Int)
        }

        var day: Day
        /// Seconds after midnight, also below 0 or beyond a day.
        var time: Int

        /// Seconds since 1970 on the clock that is changed.
        func clockTime(in year: Int) -> Int {
            let newYear = CivilDay(year: year, month: 1, day: 1).number
            let number: Int
            switch day {
            case .counted(let day): number = newYear + day - (day >= 60 && CivilDay.isLeap(year) ? 0 : 1)
            case .ofYear(let day): number = newYear + day
            case .weekday(let month, let week, let weekday):
                let first = CivilDay(year: year, month: month, day: 1).number
                let ahead = (weekday - CivilDay.weekday(ofNumber: first) + 7) % 7
                let day = ahead + (week - 1) * 7
                number = first + (day < CivilDay.daysInMonth(month, of: year) ? day : day - 7)
            }
            return number * 86_400 + time
        }
    }

    /// Of the time that the year begins with in the north: what the clock shows less UTC, in seconds.
    var standard: Int
    var daylight: Int
    /// From standard time.
    var start: Change
    /// From daylight time.
    var end: Change

    /// The two of a year, in order.
    func transitions(of year: Int) -> [ZoneTransition] {
        let starting = ZoneTransition(instant: start.clockTime(in: year) - standard, offset: daylight)
        let ending = ZoneTransition(instant: end.clockTime(in: year) - daylight, offset: standard)
        return starting.instant < ending.instant ? [starting, ending] : [ending, starting]
    }

    /// The span that an instant lies in, once the rule alone holds.
    ///
    /// - Parameter last: the last precomputed span, in which the instant lies if no transition follows it.
    func span(at instant: Int, after last: ClockSpan) -> ClockSpan {
        let year = CivilDay(number: instant.dividedDown(by: 86_400)).year
        var span = last
        span.until = ZoneTable.end
        for transition in (year - 1...year + 1).flatMap(transitions(of:))
        where transition.instant > last.start && transition.offset != span.offset {
            guard transition.instant <= instant else {
                span.until = transition.instant
                break
            }
            span = ClockSpan(
                start: transition.instant, until: ZoneTable.end, offset: transition.offset,
                peak: transition.instant + span.offset)
        }
        return span
    }
}
