extension CronFields {
    /// When they are due, in English, without the zone and the full stop.
    ///
    /// Made from what they allow and not from how it was written: `*/15` and `0,15,30,45` read the same.
    var explanation: String {
        let (times, isRepeated) = timesPhrase
        let days = daysPhrase
        // "Every 15 minutes" is every day anyhow; "At 09:30" says so.
        let everyDay = hasEveryDay && !isRepeated ? "every day" : ""
        return [times, everyDay, days].filter { !$0.isEmpty }.joined(separator: " ")
    }

    /// - Returns: also whether it says by itself that it goes on every day.
    private var timesPhrase: (text: String, isRepeated: Bool) {
        let minutes = CronPhrase.values(self.minutes)
        let hours = CronPhrase.values(UInt64(self.hours))
        let (phrase, isEven) = minutesPhrase(minutes)
        if self.hours == Self.everyHour {
            if minutes == [0] { return ("Every hour on the hour", true) }
            return (isEven ? phrase : "\(phrase) of every hour", true)
        }
        let first = hours[0]
        let last = hours[hours.count - 1]
        if minutes.count * hours.count <= 6 {
            return (
                "At \(CronPhrase.joined(hours.flatMap { hour in minutes.map { CronPhrase.time(hour, $0) } }))", false
            )
        }
        if minutes.count == 1, let step = CronPhrase.step(hours) {
            let between = "from \(CronPhrase.time(first, minutes[0])) to \(CronPhrase.time(last, minutes[0]))"
            return ("Every \(step == 1 ? "hour" : "\(step) hours") \(between)", true)
        }
        if isEven, hours.count == last - first + 1 {
            return ("\(phrase) from \(CronPhrase.time(first, 0)) to \(CronPhrase.time(last, 59))", true)
        }
        return ("\(phrase) of \(hoursPhrase(hours))", false)
    }

    /// - Returns: also whether it goes through every hour evenly, so that it needs no hour to be understood.
    private func minutesPhrase(_ minutes: [Int]) -> (text: String, isEven: Bool) {
        if self.minutes == Self.everyMinute { return ("Every minute", true) }
        if minutes.count == 1 { return ("At minute \(minutes[0])", false) }
        let step = minutes[1] - minutes[0]
        if minutes == Array(stride(from: 0, to: 60, by: step)), 60 % step == 0 {
            return ("Every \(step) minutes", true)
        }
        if let step = CronPhrase.step(minutes) {
            let which = step == 1 ? "Every minute" : "Every \(CronPhrase.ordinal(step)) minute"
            return ("\(which) from \(minutes[0]) to \(minutes[minutes.count - 1])", false)
        }
        return ("At minutes \(CronPhrase.list(minutes))", false)
    }

    private func hoursPhrase(_ hours: [Int]) -> String {
        if hours.count == 1 { return "the hour \(CronPhrase.twoDigits(hours[0]))" }
        if let step = CronPhrase.step(hours), step > 1 {
            return "every \(CronPhrase.ordinal(step)) hour from \(CronPhrase.twoDigits(hours[0])) to "
                + CronPhrase.twoDigits(hours[hours.count - 1])
        }
        return "the hours \(CronPhrase.list(hours, name: CronPhrase.twoDigits))"
    }
}

// The days.
extension CronFields {
    private static let monthNames = [
        "", "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November",
        "December",
    ]
    private static let weekdayNames = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
    private static let mondayToFriday: UInt8 = 0b011_1110
    private static let weekend: UInt8 = 0b100_0001

    /// Whether every day of the months that are named matches.
    private var hasEveryDay: Bool {
        let hasEveryDate = days == Self.everyDay
        let hasEveryWeekday = weekdays == Self.everyWeekday
        return matchesEitherDay ? hasEveryDate || hasEveryWeekday : hasEveryDate && hasEveryWeekday
    }

    /// Empty for every day of the year.
    private var daysPhrase: String {
        if hasEveryDay { return inMonths }
        if matchesEitherDay {
            let days = CronPhrase.list(CronPhrase.values(UInt64(days)), conjunction: "or")
            let either = "whenever it is day \(days) of the month or a \(aWeekday)"
            return inMonths.isEmpty ? either : "\(inMonths) \(either)"
        }
        if days == Self.everyDay { return inMonths.isEmpty ? onWeekdays : "\(onWeekdays) \(inMonths)" }
        return weekdays == Self.everyWeekday ? onDates : "\(onDates) if it is a \(aWeekday)"
    }

    /// The names of the weekdays, the week's first being Monday.
    private var weekdaysByName: [String] {
        (1...7).map { $0 % 7 }.filter { weekdays & 1 << UInt8($0) != 0 }.map { Self.weekdayNames[$0] }
    }

    private var onWeekdays: String {
        switch weekdays {
        case Self.mondayToFriday: "on weekdays"
        case Self.weekend: "at weekends"
        default: "on \(CronPhrase.joined(weekdaysByName.map { "\($0)s" }))"
        }
    }

    private var aWeekday: String {
        weekdays == Self.mondayToFriday ? "weekday" : CronPhrase.joined(weekdaysByName, "or")
    }

    private var monthsByName: String { CronPhrase.list(CronPhrase.values(UInt64(months))) { Self.monthNames[$0] } }

    /// Empty for all of them.
    private var inMonths: String { months == Self.everyMonth ? "" : "in \(monthsByName)" }

    /// `on 29 February`, `on days 1 and 15 of the month`
    private var onDates: String {
        let days = CronPhrase.values(UInt64(self.days))
        let ofMonths = months == Self.everyMonth ? "of the month" : "of \(monthsByName)"
        if let step = CronPhrase.step(days), step > 1 {
            return "on every \(CronPhrase.ordinal(step)) day \(ofMonths) from \(days[0]) to \(days[days.count - 1])"
        }
        let hasOneMonth = months & (months - 1) == 0
        if hasOneMonth { return "on \(CronPhrase.list(days)) \(monthsByName)" }
        return "on \(days.count == 1 ? "day" : "days") \(CronPhrase.list(days)) \(ofMonths)"
    }
}
