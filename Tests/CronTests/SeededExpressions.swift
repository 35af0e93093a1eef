import TestSupport

@testable import Cron

/// An expression and what it allows, which is known from how it was made, not from reading it.
struct MadeExpression {
    var text: String
    var fields: CronFields
}

/// Expressions made at random, the same ones for the same seed; all of them can be met.
struct SeededExpressions {
    private(set) var random: SeededGenerator

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    private struct Field {
        var range: ClosedRange<Int>
        /// Where `*` ends.
        var last: Int
        var names: [String] = []
        /// How often it is just `*`, of a hundred.
        var stars: Int

        static let minute = Field(range: 0...59, last: 59, stars: 15)
        static let hour = Field(range: 0...23, last: 23, stars: 30)
        static let day = Field(range: 1...31, last: 31, stars: 60)
        static let month = Field(
            range: 1...12, last: 12,
            names: ["Jan", "feb", "MAR", "APR", "May", "JUN", "JUL", "aug", "SEP", "oct", "NOV", "DEC"], stars: 70)
        static let weekday = Field(
            range: 0...7, last: 6, names: ["sun", "MON", "Tue", "WED", "THU", "fri", "SAT"], stars: 60)
    }

    /// - Parameter hours: some of the hours are made of these, so that a time of the day can be aimed at.
    mutating func next(hours: [Int] = []) -> MadeExpression {
        while true {
            let minute = field(.minute)
            var hour = field(.hour)
            if let aimed = hours.randomElement(using: &random), chance(60) { hour = ("\(aimed)", 1 << UInt64(aimed)) }
            let (day, month, weekday) = (field(.day), field(.month), field(.weekday))
            var fields = CronFields()
            fields.minutes = minute.bits
            fields.hours = UInt32(hour.bits)
            fields.days = UInt32(day.bits)
            fields.months = UInt16(month.bits)
            fields.weekdays = UInt8(weekday.bits)
            fields.followsRealTime = hour.text.hasPrefix("*")
            fields.matchesEitherDay = ![day, weekday].contains { $0.text.hasPrefix("*") || $0.text == "?" }
            guard fields.isPossible else { continue }
            return MadeExpression(
                text: [minute, hour, day, month, weekday].map(\.text).joined(separator: " "), fields: fields)
        }
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    mutating func number(in range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    private mutating func field(_ field: Field) -> (text: String, bits: UInt64) {
        if chance(field.stars) { return ("*", bits(Array(field.range.lowerBound...field.last))) }
        if field.range.upperBound == 31 || field.last == 6, chance(10) {
            return ("?", bits(Array(field.range.lowerBound...field.last)))
        }
        let entries = (0..<[1, 1, 1, 2, 3].randomElement(using: &random)!).map { _ in entry(field) }
        return (entries.map(\.text).joined(separator: ","), entries.reduce(0) { $0 | $1.bits })
    }

    private mutating func entry(_ field: Field) -> (text: String, bits: UInt64) {
        let isWeek = field.last == 6
        let step = number(in: 1...field.range.upperBound)
        let (low, high) = (number(in: field.range), number(in: field.range))
        switch number(in: 0...9) {
        case 0...4: return (name(low, field), bits([isWeek ? low % 7 : low]))
        case 5: return ("*/\(step)", bits(Array(stride(from: field.range.lowerBound, through: field.last, by: step))))
        case 6 where low <= field.last:
            return ("\(name(low, field))/\(step)", bits(Array(stride(from: low, through: field.last, by: step))))
        default: break
        }
        // A range of one value is the whole field for croniter: docs/cron.md.
        if low == high || isWeek && low % 7 == high % 7 { return (name(low, field), bits([isWeek ? low % 7 : low])) }
        let (start, end) = isWeek ? (low, high) : (min(low, high), max(low, high))
        let stepped = chance(30)
        let values = stride(from: start, through: end < start ? end + 7 : end, by: stepped ? step : 1)
        return (
            "\(name(start, field))-\(name(end, field))\(stepped ? "/\(step)" : "")",
            bits(values.map { isWeek ? $0 % 7 : $0 })
        )
    }

    /// Of values that have a name, some by it; 0 has the first weekday's, 1 the first month's.
    private mutating func name(_ value: Int, _ field: Field) -> String {
        let index = value - field.range.lowerBound
        return field.names.indices.contains(index) && chance(40) ? field.names[index] : "\(value)"
    }

    private func bits(_ values: [Int]) -> UInt64 { values.reduce(0) { $0 | 1 << UInt64($1) } }
}
