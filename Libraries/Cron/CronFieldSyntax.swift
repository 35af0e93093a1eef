/// The grammar of one field: `?`, or entries between commas, each `*`, a value or a range, with a step or without.
struct CronFieldSyntax {
    let field: CronField
    let range: ClosedRange<Int>
    /// Where `*` and a value with a step end; below the range's end where that is another name of its beginning.
    let last: Int
    /// The names of values, the first for the lowest.
    let names: [String]

    private init(_ field: CronField, _ range: ClosedRange<Int>, last: Int? = nil, names: [String] = []) {
        self.field = field
        self.range = range
        self.last = last ?? range.upperBound
        self.names = names
    }

    static let minute = CronFieldSyntax(.minute, 0...59)
    static let hour = CronFieldSyntax(.hour, 0...23)
    static let dayOfMonth = CronFieldSyntax(.dayOfMonth, 1...31)
    static let month = CronFieldSyntax(
        .month, 1...12,
        names: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"])
    /// 0 and 7 are Sunday.
    static let dayOfWeek = CronFieldSyntax(
        .dayOfWeek, 0...7, last: 6, names: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"])

    private var isDay: Bool { field == .dayOfMonth || field == .dayOfWeek }
    private var isWeek: Bool { field == .dayOfWeek }

    /// A bit for every value that the field allows.
    func bits(of text: ArraySlice<UInt8>) throws(CronError) -> UInt64 {
        if text.elementsEqual("?".utf8) {
            guard isDay else { throw refusal("? may stand for a day only; * is meant") }
            return bits(from: range.lowerBound, through: last, step: 1)
        }
        var bits: UInt64 = 0
        var rest: ArraySlice<UInt8>? = text
        while let entries = rest {
            let (entry, others) = cut(entries, at: ",")
            bits |= try self.bits(ofEntry: entry)
            rest = others
        }
        return bits
    }

    private func bits(ofEntry entry: ArraySlice<UInt8>) throws(CronError) -> UInt64 {
        guard !entry.isEmpty else { throw refusal("an entry of the list is empty") }
        let (values, stepText) = cut(entry, at: "/")
        var step: Int?
        if let stepText { step = try self.step(stepText, of: entry) }
        if values.elementsEqual("*".utf8) { return bits(from: range.lowerBound, through: last, step: step ?? 1) }
        let (startText, endText) = cut(values, at: "-")
        let start = try value(startText, of: entry)
        guard let endText else {
            guard let step else { return bits(from: start, through: start, step: 1) }
            // From there to the end; 7 is where the week begins.
            return bits(from: start > last ? range.lowerBound : start, through: last, step: step)
        }
        var end = try value(endText, of: entry)
        if end < start {
            guard isWeek else { throw refusal("the range \(CronParser.quoted(values)) runs backwards") }
            end += 7
        }
        return bits(from: start, through: end, step: step ?? 1)
    }

    /// What stands before the first such character, and after it where there is one.
    private func cut(
        _ text: ArraySlice<UInt8>, at character: Unicode.Scalar
    ) -> (head: ArraySlice<UInt8>, tail: ArraySlice<UInt8>?) {
        guard let index = text.firstIndex(of: UInt8(ascii: character)) else { return (text, nil) }
        return (text[..<index], text[(index + 1)...])
    }

    private func bits(from start: Int, through end: Int, step: Int) -> UInt64 {
        stride(from: start, through: end, by: step).reduce(0) { $0 | 1 << UInt64(isWeek ? $1 % 7 : $1) }
    }

    private func step(_ text: ArraySlice<UInt8>, of entry: ArraySlice<UInt8>) throws(CronError) -> Int {
        guard !text.isEmpty else { throw refusal("the step is missing in \(CronParser.quoted(entry))") }
        guard let step = number(text) else { throw refusal("the step \(CronParser.quoted(text)) is not a number") }
        guard step > 0 else { throw refusal("a step of 0 leads nowhere") }
        guard step <= range.upperBound else { throw refusal("a step of \(shown(step)) is beyond \(range.upperBound)") }
        return step
    }

    private func value(_ text: ArraySlice<UInt8>, of entry: ArraySlice<UInt8>) throws(CronError) -> Int {
        guard !text.isEmpty else { throw refusal("a value is missing in \(CronParser.quoted(entry))") }
        if let number = number(text) {
            guard number <= range.upperBound else { throw refusal("\(shown(number)) is beyond \(range.upperBound)") }
            guard number >= range.lowerBound else { throw refusal("\(number) is below \(range.lowerBound)") }
            return number
        }
        if let index = index(of: text, in: names) { return range.lowerBound + index }
        throw refusal(reason(against: text))
    }

    /// Why a text is no value.
    private func reason(against text: ArraySlice<UInt8>) -> String {
        for other in [Self.month, .dayOfWeek] where index(of: text, in: other.names) != nil {
            return "\(CronParser.quoted(text)) is a name for the \(other.field.words)"
        }
        if text.contains(UInt8(ascii: "?")) { return "? must stand alone" }
        if text.contains(UInt8(ascii: "*")) { return "* must stand alone or before a step" }
        let extensions = [UInt8(ascii: "#"), UInt8(ascii: "L"), UInt8(ascii: "W")]
        if isDay, text.contains(where: extensions.contains) {
            return "\(CronParser.quoted(text)) is not understood; L, W and # are extensions that are not taken"
        }
        return names.isEmpty
            ? "\(CronParser.quoted(text)) is not a number"
            : "\(CronParser.quoted(text)) is neither a number nor a name such as \(names[1])"
    }

    private func index(of text: ArraySlice<UInt8>, in names: [String]) -> Int? {
        guard text.count == 3 else { return nil }
        return names.firstIndex { name in zip(name.utf8, text).allSatisfy { $0 | 0x20 == $1 | 0x20 } }
    }

    /// Digits only; more than four count as a number beyond every field's range.
    private func number(_ text: ArraySlice<UInt8>) -> Int? {
        guard text.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return text.reduce(0) { min($0 * 10 + Int($1 - UInt8(ascii: "0")), Self.tooLarge) }
    }

    private static let tooLarge = 10_000

    private func shown(_ number: Int) -> String { number < Self.tooLarge ? "\(number)" : "such a number" }

    private func refusal(_ reason: String) -> CronError { CronError(field, reason) }
}
