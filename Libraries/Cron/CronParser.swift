/// Reads an expression as a whole: the prefix, the names, and which field is which.
enum CronParser {
    /// The longest expression in bytes; longer ones are rejected unread.
    static let longest = 255

    static func parse(
        _ expression: String, timeZone: CronTimeZone
    ) throws(CronError) -> (CronSchedule.Timing, CronTimeZone) {
        guard expression.utf8.count <= longest else {
            throw CronError(.expression, "it is longer than \(longest) bytes")
        }
        let bytes = Array(expression.utf8)
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == tab }) else {
            throw CronError(.expression, "it contains a control character")
        }
        var words = bytes.split { $0 == UInt8(ascii: " ") || $0 == tab }[...]
        guard let first = words.first else { throw CronError(.expression, "it is empty") }
        var timeZone = timeZone
        if let name = zoneName(first) {
            words = words.dropFirst()
            timeZone = try zone(name)
            guard let second = words.first else { throw CronError(.expression, "nothing follows the time zone") }
            guard zoneName(second) == nil else { throw CronError(.timezone, "it is given twice") }
        }
        if words[words.startIndex].first == UInt8(ascii: "@") { return (try named(words), timeZone) }
        return (.fields(try fields(words)), timeZone)
    }

    private static let tab = UInt8(ascii: "\t")

    /// What follows `CRON_TZ=` or `TZ=`.
    private static func zoneName(_ word: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        for prefix in ["CRON_TZ=", "TZ="] where word.starts(with: prefix.utf8) {
            return word.dropFirst(prefix.utf8.count)
        }
        return nil
    }

    private static func zone(_ name: ArraySlice<UInt8>) throws(CronError) -> CronTimeZone {
        guard !name.isEmpty else { throw CronError(.timezone, "its name is missing") }
        guard let zone = CronTimeZone(String(decoding: name, as: UTF8.self)) else {
            throw CronError(.timezone, "\(quoted(name)) is not in the time zone data")
        }
        return zone
    }

    private static func named(_ words: ArraySlice<ArraySlice<UInt8>>) throws(CronError) -> CronSchedule.Timing {
        let name = String(decoding: words[words.startIndex], as: UTF8.self).lowercased()
        let rest = words.dropFirst()
        if name == "@every" {
            guard let duration = rest.first else {
                throw CronError(.every, "a length of time must follow, such as 90s")
            }
            guard rest.count == 1 else { throw CronError(.every, "one length of time without blanks must follow") }
            return .interval(try CronEvery.seconds(duration))
        }
        var fields = CronFields(minutes: 1, hours: 1, followsRealTime: false)
        switch name {
        case "@hourly":
            fields.hours = CronFields.everyHour
            fields.followsRealTime = true
        case "@daily", "@midnight": break
        case "@weekly": fields.weekdays = 1
        case "@monthly": fields.days = 1 << 1
        case "@yearly", "@annually": (fields.days, fields.months) = (1 << 1, 1 << 1)
        default:
            throw CronError(
                .expression,
                "\(quoted(words[words.startIndex])) is none of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, "
                    + "@annually and @every")
        }
        guard rest.isEmpty else { throw CronError(.expression, "nothing may follow \(name)") }
        return .fields(fields)
    }

    private static func fields(_ words: ArraySlice<ArraySlice<UInt8>>) throws(CronError) -> CronFields {
        guard words.count == 5 else {
            let count = words.count == 1 ? "1 field" : "\(words.count) fields"
            throw CronError(
                .expression, "it has \(count); five are wanted: minute, hour, day of the month, month, day of the week")
        }
        let start = words.startIndex
        var fields = CronFields()
        fields.minutes = try CronFieldSyntax.minute.bits(of: words[start])
        fields.hours = UInt32(try CronFieldSyntax.hour.bits(of: words[start + 1]))
        fields.days = UInt32(try CronFieldSyntax.dayOfMonth.bits(of: words[start + 2]))
        fields.months = UInt16(try CronFieldSyntax.month.bits(of: words[start + 3]))
        fields.weekdays = UInt8(try CronFieldSyntax.dayOfWeek.bits(of: words[start + 4]))
        fields.followsRealTime = !isRestricted(words[start + 1])
        fields.matchesEitherDay = isRestricted(words[start + 2]) && isRestricted(words[start + 4])
        guard fields.isPossible else {
            throw CronError(.dayOfMonth, "no month that is named has such a day")
        }
        return fields
    }

    /// By its first character alone, as cron has it: `*/2` is not restricted.
    private static func isRestricted(_ field: ArraySlice<UInt8>) -> Bool {
        field.first != UInt8(ascii: "*") && field.first != UInt8(ascii: "?")
    }

    /// A part of the expression, for a reason.
    static func quoted(_ text: ArraySlice<UInt8>) -> String {
        let shown =
            text.count > 40
            ? "\(String(decoding: text.prefix(40), as: UTF8.self))..." : String(decoding: text, as: UTF8.self)
        return "\"\(shown)\""
    }
}
