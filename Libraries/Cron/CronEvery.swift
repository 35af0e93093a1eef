/// The length of time after `@every`, such as `1h30m`: numbers with units, added up.
enum CronEvery {
    static let shortest = 1
    static let longest = 366 * 86_400

    private static let units: [(letter: UInt8, seconds: Int, name: String)] = [
        (UInt8(ascii: "d"), 86_400, "day"), (UInt8(ascii: "h"), 3600, "hour"), (UInt8(ascii: "m"), 60, "minute"),
        (UInt8(ascii: "s"), 1, "second"),
    ]

    static func seconds(_ text: ArraySlice<UInt8>) throws(CronError) -> Int {
        var rest = text
        var total = 0
        while !rest.isEmpty {
            let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            rest = rest.dropFirst(digits.count)
            guard !digits.isEmpty, let letter = rest.first else {
                throw CronError(
                    .every, "\(CronParser.quoted(text)) is not a length of time such as 90s or 1h30m")
            }
            guard let unit = units.first(where: { $0.letter == letter }) else {
                throw CronError(.every, "\(CronParser.quoted(text)) has a unit that is none of s, m, h and d")
            }
            rest = rest.dropFirst()
            // Clamped just above the longest.
            let number = digits.reduce(0) { min($0 * 10 + Int($1 - UInt8(ascii: "0")), longest + 1) }
            total = min(total + number * unit.seconds, longest + 1)
        }
        guard total >= shortest else { throw CronError(.every, "\(CronParser.quoted(text)) is shorter than 1 s") }
        guard total <= longest else { throw CronError(.every, "\(CronParser.quoted(text)) is longer than 366 days") }
        return total
    }

    /// Such as `Every 1 hour and 30 minutes`.
    static func explanation(seconds: Int) -> String {
        var rest = seconds
        var parts: [(count: Int, name: String)] = []
        for unit in units where rest >= unit.seconds {
            parts.append((rest / unit.seconds, unit.name))
            rest %= unit.seconds
        }
        if parts.count == 1, parts[0].count == 1 { return "Every \(parts[0].name)" }
        return "Every \(CronPhrase.joined(parts.map { "\($0.count) \($0.name)\($0.count == 1 ? "" : "s")" }))"
    }
}
