/// Reads the last line of a zone's file, such as `CET-1CEST,M3.5.0,M10.5.0/3`.
struct ZoneRuleReader {
    enum Future: Hashable {
        case fixed(offset: Int)
        case changing(ZoneRule)
    }

    private var rest: ArraySlice<UInt8>

    init(_ text: ArraySlice<UInt8>) { rest = text }

    /// - Returns: nil if the text is not understood to its end.
    mutating func read() -> Future? {
        guard readName(), let standard = readTime().map({ -$0 }) else { return nil }
        if rest.isEmpty { return .fixed(offset: standard) }
        guard readName() else { return nil }
        var daylight = standard + 3600
        if rest.first != UInt8(ascii: ",") {
            guard let time = readTime() else { return nil }
            daylight = -time
        }
        guard let start = readChange(), let end = readChange(), rest.isEmpty else { return nil }
        return .changing(ZoneRule(standard: standard, daylight: daylight, start: start, end: end))
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest.removeFirst()
        return true
    }

    /// Three letters or more, or anything in angle brackets.
    private mutating func readName() -> Bool {
        if take("<") {
            guard let end = rest.firstIndex(of: UInt8(ascii: ">")) else { return false }
            rest = rest[(end + 1)...]
            return true
        }
        let letters = rest.prefix { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0 | 0x20) }
        rest = rest.dropFirst(letters.count)
        return letters.count >= 3
    }

    private mutating func readNumber(_ range: ClosedRange<Int>) -> Int? {
        let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard (1...3).contains(digits.count) else { return nil }
        rest = rest.dropFirst(digits.count)
        let number = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return range.contains(number) ? number : nil
    }

    /// `[+-]hh[:mm[:ss]]` in seconds.
    private mutating func readTime() -> Int? {
        let sign = take("-") ? -1 : 1
        if sign == 1 { _ = take("+") }
        guard let hours = readNumber(0...167) else { return nil }
        var seconds = hours * 3600
        for unit in [60, 1] where take(":") {
            guard let number = readNumber(0...59) else { return nil }
            seconds += number * unit
        }
        return sign * seconds
    }

    /// `,date[/time]`; without a time it is 02:00.
    private mutating func readChange() -> ZoneRule.Change? {
        guard take(","), let day = readDay() else { return nil }
        guard take("/") else { return ZoneRule.Change(day: day, time: 2 * 3600) }
        return readTime().map { ZoneRule.Change(day: day, time: $0) }
    }

    private mutating func readDay() -> ZoneRule.Change.Day? {
        if take("J") { return readNumber(1...365).map { .counted($0) } }
        guard take("M") else { return readNumber(0...365).map { .ofYear($0) } }
        guard let month = readNumber(1...12), take("."), let week = readNumber(1...5), take("."),
            let weekday = readNumber(0...6)
        else { return nil }
        return .weekday(month: month, week: week, weekday: weekday)
    }
}
