import Configuration
import Testing

@Suite struct ConfigurationReaderTests {
    enum Mode: String, CaseIterable { case strict, relaxed }

    @Test func takesDefaults() throws {
        let reader = ConfigurationReader(environment: ["EMPTY": ""])
        #expect(reader.int("PORT", default: 8080, in: 1...65535, "") == 8080)
        #expect(reader.int("EMPTY", default: 1, in: 0...9, "") == 1)
        #expect(reader.string("NAME", default: "x", "") == "x")
        #expect(reader.optionalString("TOKEN", "") == nil)
        #expect(reader.optionalInt("N", in: 0...1, "") == nil)
        #expect(reader.optionalURL("U", schemes: ["http"], "") == nil)
        #expect(reader.bool("FLAG", default: true, ""))
        #expect(reader.duration("GRACE", default: .seconds(30), "") == .seconds(30))
        #expect(reader.choice("MODE", default: Mode.strict, "") == .strict)
        #expect(reader.list("ORIGINS", default: ["a", "b"], "") == ["a", "b"])
        try reader.finish()
        #expect(reader.keys.allSatisfy { $0.source != .environment })
    }

    @Test func readsValues() throws {
        let reader = ConfigurationReader(environment: [
            "PORT": "81", "FLAG": "Yes", "MODE": "Relaxed", "ORIGINS": " http://a , ,http://b,", "GRACE": "1.5",
            "DB": "postgres://u:p@h1:5432,h2/db?target_session_attrs=read-write",
        ])
        #expect(reader.int("PORT", default: 8080, in: 1...65535, "") == 81)
        #expect(reader.bool("FLAG", default: false, ""))
        #expect(reader.choice("MODE", default: Mode.strict, "") == .relaxed)
        #expect(reader.list("ORIGINS", "") == ["http://a", "http://b"])
        #expect(reader.duration("GRACE", default: .zero, "") == .milliseconds(1500))
        #expect(
            reader.optionalURL("DB", schemes: ["postgres"], "")
                == "postgres://u:p@h1:5432,h2/db?target_session_attrs=read-write")
        try reader.finish()
    }

    @Test func reportsEveryProblemAtOnce() throws {
        let reader = ConfigurationReader(environment: [
            "PORT": "eighty", "KEY": "short-secret", "DB": "mysql://u:hunter2@h/db", "MODE": "other", "GRACE": "soon",
            "FLAG": "maybe",
        ])
        #expect(reader.int("PORT", default: 8080, in: 1...65535, "") == 8080)
        _ = reader.optionalString("KEY", secret: true, "")
        _ = reader.optionalURL("DB", schemes: ["postgres"], "")
        _ = reader.choice("MODE", default: Mode.strict, "")
        _ = reader.duration("GRACE", default: .seconds(30), in: .seconds(1) ... .seconds(600), "")
        _ = reader.bool("FLAG", default: false, "")
        reader.problem("KEY", expected: "32 bytes")
        let error = try #require(throws: ConfigurationError.self) { try reader.finish() }
        #expect(
            error.description == """
                6 problems in the environment:
                  PORT is "eighty"; expected a whole number from 1 to 65535 (default: 8080)
                  DB is "mysql://u:***@h/db"; expected a URL (postgres://...) (no default)
                  MODE is "other"; expected one of strict, relaxed (default: strict)
                  GRACE is "soon"; expected seconds from 1 to 600, or a number with ms, s, m, h or d (default: 30)
                  FLAG is "maybe"; expected true or false (default: false)
                  KEY is "*** (12 characters)"; expected 32 bytes (no default)
                """)
    }

    @Test func warnsWhereABadValueIsForgiven() throws {
        let reader = ConfigurationReader(environment: ["IDLE": "-5", "MODE": "saaas"])
        #expect(reader.int("IDLE", default: 300, in: 1...9999, isLenient: true, "") == 300)
        #expect(reader.choice("MODE", default: Mode.strict, isLenient: true, "") == .strict)
        try reader.finish()
        #expect(reader.warnings.map(\.name) == ["IDLE", "MODE"])
    }

    @Test(arguments: [
        ("http://", false), ("http://h", true), ("http://h:80/x", true), ("http://h:0", false), ("http://h:x", false),
        ("http://h:65536", false), ("h:80", false), ("ftp://h", false), ("HTTP://h", true), ("http://h /x", false),
        ("http://[::1]:80", true), ("http://[::1]", true), ("http://:80", false), ("http:///path", true),
        ("http://u:p@h", true), ("http://u:p@", false), ("http://h,", false), ("http://a:1,b:2", true),
        ("http:", false),
    ])
    func judgesURLs(_ text: String, _ isURL: Bool) {
        let reader = ConfigurationReader(environment: ["U": text])
        #expect((reader.optionalURL("U", schemes: ["http"], "") != nil) == isURL)
    }

    @Test(arguments: [
        ("postgres://u:hunter2@h/db", "postgres://u:***@h/db"), ("postgres://u@h/db", "postgres://u@h/db"),
        ("postgres://u:hun/ter2@h/db", "postgres://u:***@h/db"),
        ("postgres://u:hun@ter2@h/db", "postgres://u:***@h/db"),
        ("postgres://h/db?user=u&password=hunter2&x=1", "postgres://h/db?user=u&password=***&x=1"),
        ("postgres://:hunter2@h", "postgres://:***@h"), ("not a url:hunter", "not a url:hunter"),
    ])
    func masksPasswords(_ url: String, _ shown: String) {
        let reader = ConfigurationReader(environment: ["U": url])
        _ = reader.optionalURL("U", schemes: ["postgres"], "")
        let key = reader.keys[0]
        #expect((key.shownValue.isEmpty ? reader.problems[0].shownValue : key.shownValue) == shown)
    }

    @Test(
        arguments: [
            ("0", .zero), ("90", .seconds(90)), ("0.25", .milliseconds(250)), ("500ms", .milliseconds(500)),
            ("2m", .seconds(120)), ("1h", .seconds(3600)), ("7d", .seconds(604_800)), ("15s", .seconds(15)),
            ("", .seconds(1)),
            ("-1", nil), ("1 s", nil), ("1w", nil), ("s", nil), ("1e3", nil), ("1.2.3", nil), ("99999999999999d", nil),
        ] as [(String, Duration?)])
    func readsDurations(_ text: String, _ expected: Duration?) {
        let reader = ConfigurationReader(environment: ["D": text])
        let read = reader.duration("D", default: .seconds(1), "")
        #expect(read == expected ?? .seconds(1))
        #expect(reader.problems.isEmpty == (expected != nil))
    }

    @Test func printsWhatIsInEffect() {
        let reader = ConfigurationReader(environment: ["TOKEN": "hunter2", "DB": "postgres://u:hunter2@h"])
        _ = reader.int("PORT", default: 8080, in: 1...65535, "Where to listen.")
        _ = reader.optionalString("TOKEN", secret: true, "The operator's | token.")
        _ = reader.optionalURL("DB", schemes: ["postgres"], "The database.")
        _ = reader.optionalString("ORG", "The organisation.")
        _ = reader.int("PORT", default: 8080, in: 1...65535, "Again.")
        #expect(
            reader.printable
                == """
                DB     postgres://u:***@h  environment
                ORG    -                   not set
                PORT   8080                default
                TOKEN  *** (7 characters)  environment
                """)
        #expect(!reader.printable.contains("hunter2"))
        #expect(
            reader.reference == """
                | variable | value | default | meaning |
                | --- | --- | --- | --- |
                | `DB` | a URL (postgres://...) | none | The database. |
                | `ORG` | a text | none | The organisation. |
                | `PORT` | a whole number from 1 to 65535 | `8080` | Where to listen. |
                | `TOKEN` | a text | none | The operator's \\| token. |
                """)
    }
}
