/// Pieces of sentences about sets of values.
enum CronPhrase {
    /// Up to this many values are listed one by one; more of them with a constant step are described by the step.
    private static let listLimit = 7

    /// The bits of a set, lowest first.
    static func values(_ bits: UInt64) -> [Int] { (0..<64).filter { bits & 1 << UInt64($0) != 0 } }

    /// The step of values that are better described by it than one by one; 1 for a range.
    static func step(_ values: [Int]) -> Int? {
        guard values.count >= 3 else { return nil }
        let step = values[1] - values[0]
        guard step == 1 || values.count > listLimit else { return nil }
        return zip(values, values.dropFirst()).allSatisfy { $1 - $0 == step } ? step : nil
    }

    /// `1, 2 and 5 to 9`: runs of three and more are collapsed.
    static func list(_ values: [Int], conjunction: String = "and", name: (Int) -> String = String.init) -> String {
        var parts: [String] = []
        var index = 0
        while index < values.count {
            var end = index
            while end + 1 < values.count, values[end + 1] == values[end] + 1 { end += 1 }
            if end - index >= 2 {
                parts.append("\(name(values[index])) to \(name(values[end]))")
            } else {
                parts += values[index...end].map(name)
            }
            index = end + 1
        }
        return joined(parts, conjunction)
    }

    /// `a, b and c`
    static func joined(_ parts: [String], _ conjunction: String = "and") -> String {
        guard let last = parts.last, parts.count > 1 else { return parts.first ?? "" }
        return "\(parts.dropLast().joined(separator: ", ")) \(conjunction) \(last)"
    }

    static func ordinal(_ number: Int) -> String {
        switch (number % 10, number % 100) {
        case (_, 11...13): "\(number)th"
        case (1, _): "\(number)st"
        case (2, _): "\(number)nd"
        case (3, _): "\(number)rd"
        default: "\(number)th"
        }
    }

    /// Such as `09:05`.
    static func time(_ hour: Int, _ minute: Int) -> String { "\(twoDigits(hour)):\(twoDigits(minute))" }

    static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
