import Templates
import Testing

/// What texts mean, and which are refused.
@Suite struct YAMLReaderTests {
    private static func plain(_ text: String) -> YAMLValue { .scalar(text, isPlain: true) }
    private static func quoted(_ text: String) -> YAMLValue { .scalar(text, isPlain: false) }

    private func read(_ text: String, _ change: (inout YAMLReader) -> Void = { _ in }) throws -> YAMLValue? {
        var reader = YAMLReader()
        change(&reader)
        return try reader.read(Array(text.utf8))
    }

    @Test(
        arguments: [
            ("a: 1\nb: [x, 'y']\n", .mapping(["a": plain("1"), "b": .sequence([plain("x"), quoted("y")])])),
            ("a: {b: {c: d}}", .mapping(["a": .mapping(["b": .mapping(["c": plain("d")])])])),
            ("a: |\n  two\n  lines\n", .mapping(["a": quoted("two\nlines\n")])),
            ("a: 1\na: 2\n", .mapping(["a": plain("2")])),
            ("a:\n", .mapping(["a": plain("")])),
            ("? [complex, key]\n: x\nb: y\n", .mapping(["b": plain("y")])),
            ("x: &n {v: 1}\ny: *n\n", .mapping(["x": .mapping(["v": plain("1")]), "y": .mapping(["v": plain("1")])])),
            (
                "d: &d {a: 1, b: 2}\ne:\n  <<: *d\n  b: 3\n",
                .mapping([
                    "d": .mapping(["a": plain("1"), "b": plain("2")]),
                    "e": .mapping(["a": plain("1"), "b": plain("3")]),
                ])
            ),
            ("--- one\n--- two\n", plain("one")), ("just text", plain("just text")),
            ("é: ü", .mapping(["é": plain("ü")])),
        ] as [(String, YAMLValue)])
    func `reads the first document`(_ text: String, _ expected: YAMLValue) throws {
        #expect(try read(text) == expected)
    }

    @Test(arguments: ["", "\n\n", "# nothing\n"]) func `a text may have no document`(_ text: String) throws {
        #expect(try read(text) == nil)
    }

    @Test(arguments: [
        "a: [1", "a: b: c", "\ta: 1", "a: 'open", "a: *nothing", "x: &x [*x]", "a: \u{1}", "%YAML 9\n---\na",
    ])
    func `refuses what is not YAML`(_ text: String) {
        #expect(throws: YAMLError.self) { try read(text) }
    }

    @Test func `refuses bytes that are no UTF-8`() {
        #expect(throws: YAMLError.self) { try YAMLReader().read([0x61, 0x3A, 0x20, 0xFF, 0xFE]) }
    }

    @Test(
        arguments: [
            ("600", 600), ("-3", -3), ("600.0", 600), ("\"600\"", nil), ("ten", nil), ("1.5", nil), ("", nil),
            ("1e400", nil), (".nan", nil), ("99999999999999999999", nil),
        ] as [(String, Int?)])
    func `whole numbers stand without quotes`(_ text: String, _ expected: Int?) throws {
        #expect(try read("v: \(text)")?["v"]?.int == expected)
    }

    @Test func `an alias bomb is refused by what it stands for`() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...12 {
            text +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
                + "]\n"
        }
        // Without its value: what describes that would never come to an end.
        #expect(throws: YAMLError.tooManyValues(limit: 20_000)) { _ = try read(text) }
    }

    @Test(arguments: 0..<3) func `deep nesting is refused`(_ kind: Int) {
        let texts = [
            String(repeating: "[", count: 60_000), String(repeating: "{a: ", count: 5000),
            (0..<200).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
        ]
        #expect(throws: YAMLError.self) { try read(texts[kind]) }
    }

    @Test func `nesting up to the limit is read`() throws {
        let text = String(repeating: "[", count: 31) + "x" + String(repeating: "]", count: 31)
        #expect(try read(text) != nil)
        #expect(throws: YAMLError.tooDeep(limit: 32)) { try read("[" + text + "]") }
    }

    @Test func `length and number of values are bounded`() {
        #expect(throws: YAMLError.tooLong(limit: 10)) { try read("a: 12345678") { $0.maximumBytes = 10 } }
        #expect(throws: YAMLError.tooManyValues(limit: 5)) { try read("[1, 2, 3, 4, 5]") { $0.maximumValues = 5 } }
    }
}
