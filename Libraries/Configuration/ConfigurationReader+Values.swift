extension ConfigurationReader {
    /// A text with a default.
    package func string(_ name: String, default fallback: String, secret: Bool = false, _ help: String) -> String {
        read(name, .text, default: fallback, secret: secret, help)
    }

    /// A text that may be absent.
    package func optionalString(_ name: String, secret: Bool = false, _ help: String) -> String? {
        readIfSet(name, .text, default: nil, secret: secret, help)
    }

    /// A whole number.
    ///
    /// - Parameter isLenient: a bad value is warned about and the default taken.
    package func int(
        _ name: String, default fallback: Int, in range: ClosedRange<Int>, isLenient: Bool = false, _ help: String
    ) -> Int {
        read(name, .int(range), default: fallback, isLenient: isLenient, help)
    }

    /// A whole number that may be absent.
    package func optionalInt(_ name: String, in range: ClosedRange<Int>, _ help: String) -> Int? {
        readIfSet(name, .int(range), default: nil, help)
    }

    /// Yes or no: `1`, `true`, `yes`, `on` and their opposites, in any case.
    package func bool(_ name: String, default fallback: Bool, _ help: String) -> Bool {
        read(name, .bool, default: fallback, help)
    }

    /// A time: a number of seconds, or a number with `ms`, `s`, `m`, `h` or `d` behind it.
    package func duration(
        _ name: String, default fallback: Duration, in range: ClosedRange<Duration> = .zero ... .seconds(315_576_000),
        _ help: String
    ) -> Duration {
        read(name, .duration(range), default: fallback, help)
    }

    /// One of a closed set of words.
    ///
    /// - Parameter isLenient: an unknown word is warned about and the default taken.
    package func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: String, default fallback: Choice, isLenient: Bool = false, _ help: String
    ) -> Choice {
        read(name, .choice(), default: fallback, isLenient: isLenient, help)
    }

    /// Texts separated by commas; white space around them and empty ones do not count.
    package func list(_ name: String, default fallback: [String] = [], _ help: String) -> [String] {
        read(name, .list, default: fallback, help)
    }
}

extension ConfigurationReader.Kind where Value == String {
    static var text: Self { Self(expected: "a text", parse: { $0 }) }
}

extension ConfigurationReader.Kind where Value == [String] {
    static var list: Self {
        Self(expected: "texts separated by commas", parse: splitList, show: { $0.joined(separator: ",") })
    }
}

extension ConfigurationReader.Kind where Value == Int {
    static func int(_ range: ClosedRange<Int>) -> Self {
        let expected =
            range.upperBound == .max
            ? "a whole number, at least \(range.lowerBound)"
            : "a whole number from \(range.lowerBound) to \(range.upperBound)"
        return Self(expected: expected, parse: { Int($0).flatMap { range.contains($0) ? $0 : nil } })
    }
}

extension ConfigurationReader.Kind where Value == Bool {
    static var bool: Self {
        Self(expected: "true or false") { text in
            switch text.lowercased() {
            case "1", "true", "yes", "on": true
            case "0", "false", "no", "off": false
            default: nil
            }
        }
    }
}

extension ConfigurationReader.Kind where Value: RawRepresentable<String> & CaseIterable {
    static func choice() -> Self {
        let words = Value.allCases.map(\.rawValue)
        return Self(
            expected: "one of \(words.joined(separator: ", "))", parse: { Value(rawValue: $0.lowercased()) },
            show: \.rawValue)
    }
}

extension ConfigurationReader.Kind where Value == Duration {
    static func duration(_ range: ClosedRange<Duration>) -> Self {
        Self(
            expected:
                "seconds from \(range.lowerBound.text) to \(range.upperBound.text), or a number with ms, s, m, h or d",
            parse: { Duration(text: $0).flatMap { range.contains($0) ? $0 : nil } }, show: \.text)
    }
}

func splitList(_ text: String) -> [String] {
    text.split(separator: ",").map { $0.trimmingSpaces }.filter { !$0.isEmpty }
}

extension Substring {
    var trimmingSpaces: String {
        let spaces: Set<Character> = [" ", "\t", "\n"]
        guard let first = firstIndex(where: { !spaces.contains($0) }),
            let last = lastIndex(where: { !spaces.contains($0) })
        else { return "" }
        return String(self[first...last])
    }
}
