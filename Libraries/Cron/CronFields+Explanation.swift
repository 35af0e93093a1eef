extension CronFields {
    /// When they are due, in English, without the zone and the full stop.
    ///
    /// Made from what they allow and not from how it was written: `*/15` and `0,15,30,45` read the same.
    var explanation: String {
        let times = timesPhrase
        let days = daysPhrase
        // What names no hour of the day is every day anyhow; "At 09:30" says so.
        if days.isEmpty {
            return self.hours == Self.everyHour || times.hasPrefix("Every ") ? times : "\(times) every day"
        }
        return "\(times) \(days)"
    }

    private var timesPhrase: String {
        let minutes = CronPhrase.values(self.minutes)
        let hours = CronPhrase.values(UInt64(self.hours))
        if self.hours == Self.everyHour {
            if minutes == [0] { return "Every hour on the hour" }
            let phrase = minutesPhrase(minutes)
            return phrase.isWholeHour ? phrase.text : "\(phrase.text) of every hour"
        }
        if minutes.count * hours.count <= 6 {
            let times = hours.flatMap { hour in
                minutes.map { "\(CronPhrase.twoDigits(hour)):\(CronPhrase.twoDigits($0))" }
            }
            return "At \(CronPhrase.joined(times))"
        }
        let phrase = minutesPhrase(minutes)
        if phrase.isWholeHour, hours.count == hours[hours.count - 1] - hours[0] + 1 {
            return "\(phrase.text) from \(CronPhrase.twoDigits(hours[0])):00 to "
                + "\(CronPhrase.twoDigits(hours[hours.count - 1])):59"
        }
        return "\(phrase.text) \(phrase.isWholeHour ? "in" : "of") \(hoursPhrase(hours))"
    }

    /// - Returns: also whether it goes through a whole hour evenly, so that it needs no hour to be understood.
    private func minutesPhrase(_ minutes: [Int]) -> (text: String, isWholeHour: Bool) {
        if self.minutes == Self.everyMinute { return ("Every minute", true) }
        if minutes.count == 1 { return ("At minute \(minutes[0])", false) }
        if let step = evenStep(minutes, of: 60) { return ("Every \(step) minutes", true) }
        if let step = CronPhrase.step(minutes) {
            let which = step == 1 ? "Every minute" : "At every \(CronPhrase.ordinal(step)) minute"
            return ("\(which) from \(minutes[0]) to \(minutes[minutes.count - 1])", false)
        }
        return ("At minutes \(CronPhrase.list(minutes, name: String.init))", false)
    }

    private func hoursPhrase(_ hours: [Int]) -> String {
        if hours.count == 1 { return "the hour \(CronPhrase.twoDigits(hours[0]))" }
        if let step = CronPhrase.step(hours), step > 1 {
            return "every \(CronPhrase.ordinal(step)) hour from \(CronPhrase.twoDigits(hours[0])) to "
                + CronPhrase.twoDigits(hours[hours.count - 1])
        }
        return "the hours \(CronPhrase.list(hours, name: CronPhrase.twoDigits))"
    }

    /// The step of values that begin with 0 and go round evenly, such as 0, 15, 30 and 45 of 60.
    private func evenStep(_ values: [Int], of length: Int) -> Int? {
        guard values.count > 1, values[0] == 0 else { return nil }
        let step = values[1]
        return length % step == 0 && values.count == length / step
            && values.enumerated().allSatisfy { $0.element == $0.offset * step } ? step : nil
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

    /// Empty for every day.
    private var daysPhrase: String {
        let hasEveryDay = days == Self.everyDay
        let hasEveryWeekday = weekdays == Self.everyWeekday
        if hasEveryDay && hasEveryWeekday || matchesEitherDay && (hasEveryDay || hasEveryWeekday) {
            return months == Self.everyMonth ? "" : "every day in \(monthsPhrase)"
        }
        if matchesEitherDay {
            let days = CronPhrase.list(CronPhrase.values(UInt64(days)), conjunction: "or", name: String.init)
            let inMonths = months == Self.everyMonth ? "" : " in \(monthsPhrase)"
            return "whenever it is day \(days) of the month or a \(weekdaysPhrase(conjunction: "or"))\(inMonths)"
        }
        if hasEveryDay {
            let days =
                switch weekdays {
                case 0b011_1110: "on weekdays"
                case 0b100_0001: "at weekends"
                default:
                    "on \(CronPhrase.joined(CronPhrase.values(UInt64(weekdays)).map { "\(Self.weekdayNames[$0])s" }))"
                }
            return months == Self.everyMonth ? days : "\(days) in \(monthsPhrase)"
        }
        return hasEveryWeekday ? datesPhrase : "\(datesPhrase) if it is a \(weekdaysPhrase(conjunction: "or"))"
    }

    private func weekdaysPhrase(conjunction: String) -> String {
        if weekdays == 0b011_1110 { return "weekday" }
        return CronPhrase.joined(CronPhrase.values(UInt64(weekdays)).map { Self.weekdayNames[$0] }, conjunction)
    }

    private var monthsPhrase: String {
        let months = CronPhrase.values(UInt64(self.months))
        if let step = CronPhrase.step(months), step > 1 {
            return "every \(CronPhrase.ordinal(step)) month from \(Self.monthNames[months[0]]) to "
                + Self.monthNames[months[months.count - 1]]
        }
        return CronPhrase.list(months) { Self.monthNames[$0] }
    }

    /// `on 29 February`, `on days 1 and 15 of the month`
    private var datesPhrase: String {
        let days = CronPhrase.values(UInt64(self.days))
        if months & (months - 1) == 0, days.count <= 6 {
            return "on \(CronPhrase.list(days, name: String.init)) \(monthsPhrase)"
        }
        let ofMonths = months == Self.everyMonth ? "of the month" : "of \(monthsPhrase)"
        if let step = CronPhrase.step(days), step > 1 {
            return "on every \(CronPhrase.ordinal(step)) day \(ofMonths) from \(days[0]) to \(days[days.count - 1])"
        }
        return "on \(days.count == 1 ? "day" : "days") \(CronPhrase.list(days, name: String.init)) \(ofMonths)"
    }
}
