import ASCIIText
import Foundation
import Testing

@testable import Cron

@Suite("Time zones")
struct TimeZoneTests {
    @Test(
        "Names of the zone data are known",
        arguments: [
            "UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+3", "Etc/GMT-14", "GMT", "GMT+0",
            "EST5EDT",
            "America/Port-au-Prince", "NZ-CHAT", "Asia/Calcutta", "US/Pacific",
        ])
    func known(_ name: String) throws {
        let found = try zone(name)
        #expect(found.name == name)
        #expect(try found == zone(name))
        // Read once.
        #expect(try found.table === zone(name).table)
    }

    @Test(
        "Everything else is refused",
        arguments: [
            "", " ", "Mars/Base", "GMT+3", "UTC+2", "CET-1CEST", "europe/berlin", "EUROPE/BERLIN", "Europe", "Europe/",
            "/Europe/Berlin", "Europe//Berlin", "Europe/Berlin/", "Europe/./Berlin", "Europe/../Asia/Tokyo", "..",
            "../passwd",
            "/usr/share/zoneinfo/Europe/Berlin", "posix/Europe/Berlin", "right/Europe/Berlin", "posixrules",
            "localtime", "Local",
            "tzdata.zi", "zone.tab", "iso3166.tab", "leapseconds", "Europe/Berlin ", " Europe/Berlin",
            "Europe/Berlin\u{0}",
            "Europe\\Berlin", "Europe/Berl\u{69}\u{307}n", "Zürich", "Europe/Berlin\n",
            String(repeating: "A", count: 65),
            String(repeating: "A", count: 1 << 20), String(repeating: "A/", count: 30) + "A",
        ])
    func refused(_ name: String) { #expect(CronTimeZone(name) == nil) }

    @Test("UTC is the default zone and needs no file")
    func utc() throws {
        #expect(CronTimeZone("UTC") == .utc)
        #expect(try CronTimeZone.utc != zone("Etc/UTC"))
    }

    /// All names that the zone data itself lists.
    static let names: [String] = {
        let lines = (try? String(contentsOfFile: "/usr/share/zoneinfo/tzdata.zi", encoding: .utf8)) ?? ""
        return lines.split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            return words.first == "Z" ? String(words[1]) : words.first == "L" ? String(words[2]) : nil
        }
    }()

    @Test("Every zone of the system is read, and fires every day at noon")
    func all() throws {
        #expect(Self.names.count > 500)
        let start = try instant("2026-01-01T00:00:00Z")
        for name in Self.names {
            let slots = try CronSchedule("0 12 * * *", timeZone: zone(name)).next(366, after: start)
            let steps = zip(slots, slots.dropFirst()).map { $1.timeIntervalSince($0) / 3600 }
            #expect(slots.count == 366 && steps.allSatisfy { (22...26).contains($0) }, "\(name)")
        }
    }

    @Test("Clocks show what Python's zoneinfo says that they show, around every change and anywhere between")
    func clocks() async throws {
        var random = SeededExpressions(seed: 1)
        let questions = try Self.names.map { name in
            let changes = try zone(name).changes(from: 1850, to: 2200).flatMap { [$0.instant - 1, $0.instant] }
            // Years 1850 to 2200.
            let others = (0..<100).map { _ in random.number(in: -3_786_825_600...7_258_118_400) }
            return (name, changes + others)
        }
        let results = try await CronReference.results(.offsets, questions.map { [$0] + $1.map(String.init) })
        for ((name, instants), results) in zip(questions, results) {
            let table = try zone(name).table
            let different = zip(instants, results).first { table.span(at: $0).offset != Int($1) }
            #expect(different == nil && instants.count == results.count, "\(name)")
        }
    }

    @Test("What a file writes down until 2037 is what its last line computes")
    func rules() throws {
        var compared = 0
        // There, clocks go by Ramadan, which is written down for decades, and the last line is for what comes then.
        for name in Self.names where !["Asia/Gaza", "Asia/Hebron"].contains(name) {
            let data = try Array(Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/\(name)")))
            let line = try #require(data.split(separator: UInt8(ascii: "\n")).last)
            var reader = ZoneRuleReader(line)
            guard case .changing(let rule)? = reader.read() else { continue }
            let written = try zone(name).changes(from: 2028, to: 2037)
            #expect((2028..<2037).flatMap(rule.transitions(of:)) == written, "\(name)")
            compared += 1
        }
        #expect(compared > 100)
    }

    @Test("The calendar repeats after 400 years, and so do the rules, also beyond what is written down")
    func centuries() throws {
        let cycle = 146_097 * 86_400
        for name in ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Europe/Dublin", "Africa/Cairo"] {
            let table = try zone(name).table
            for change in try zone(name).changes(from: 2040, to: 2140) {
                for instant in [change.instant - 1, change.instant] {
                    let (near, far) = (table.span(at: instant), table.span(at: instant + cycle))
                    #expect(far.offset == near.offset, "\(name) \(instant)")
                    #expect(far.start == near.start + cycle && far.until == near.until + cycle, "\(name) \(instant)")
                    #expect(far.peak == near.peak + cycle)
                }
            }
        }
    }

    @Test(
        "The last line of a file",
        arguments: [
            ("UTC0", .fixed(offset: 0)), ("<-03>3", .fixed(offset: -10_800)), ("<+0545>-5:45", .fixed(offset: 20_700)),
            ("LMT-0:53:28", .fixed(offset: 3208)),
            (
                "CET-1CEST,M3.5.0,M10.5.0/3",
                .changing(
                    rule(
                        3600, 7200, .weekday(month: 3, week: 5, weekday: 0), 7200,
                        .weekday(month: 10, week: 5, weekday: 0), 10_800))
            ),
            (
                "IST-1GMT0,M10.5.0,M3.5.0/1",
                .changing(
                    rule(
                        3600, 0, .weekday(month: 10, week: 5, weekday: 0), 7200,
                        .weekday(month: 3, week: 5, weekday: 0), 3600))
            ),
            (
                "<-02>2<-01>,M3.5.0/-1,M10.5.0/0",
                .changing(
                    rule(
                        -7200, -3600, .weekday(month: 3, week: 5, weekday: 0), -3600,
                        .weekday(month: 10, week: 5, weekday: 0), 0))
            ),
            (
                "EET-2EEST,M3.4.4/50,M10.4.4/50",
                .changing(
                    rule(
                        7200, 10_800, .weekday(month: 3, week: 4, weekday: 4), 180_000,
                        .weekday(month: 10, week: 4, weekday: 4), 180_000))
            ),
            (
                "AAA3BBB2:30,J60/-167:59:59,365/+1",
                .changing(rule(-10_800, -9000, .counted(60), -604_799, .ofYear(365), 3600))
            ),
        ] as [(String, ZoneRuleReader.Future)])
    func lastLine(_ text: String, _ expected: ZoneRuleReader.Future) {
        var reader = ZoneRuleReader(Array(text.utf8)[...])
        #expect(reader.read() == expected)
    }

    private static func rule(
        _ standard: Int, _ daylight: Int, _ start: ZoneRule.Change.Day, _ startTime: Int, _ end: ZoneRule.Change.Day,
        _ endTime: Int
    ) -> ZoneRule {
        ZoneRule(
            standard: standard, daylight: daylight, start: .init(day: start, time: startTime),
            end: .init(day: end, time: endTime))
    }

    @Test(
        "A last line that is not understood makes no zone",
        arguments: [
            "CE-1", "CET", "CET-", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M3.5.0,M10.5.0/3 ",
            "CET-1CEST,M13.5.0,M10.5.0",
            "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J0,J5", "CET-1CEST,366,5", "CET-168",
            "<CET-1",
            "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1:60", "1", ",", "CET-1CEST,,",
        ])
    func unknownLine(_ text: String) {
        var reader = ZoneRuleReader(Array(text.utf8)[...])
        #expect(reader.read() == nil)
    }

    @Test("Days of the year, with and without 29 February")
    func daysOfYear() {
        func day(_ day: ZoneRule.Change.Day, _ year: Int) -> CivilDay {
            CivilDay(number: ZoneRule.Change(day: day, time: 0).clockTime(in: year) / 86_400)
        }
        #expect(day(.counted(60), 2028) == CivilDay(year: 2028, month: 3, day: 1))
        #expect(day(.counted(59), 2028) == CivilDay(year: 2028, month: 2, day: 28))
        #expect(day(.counted(60), 2027) == CivilDay(year: 2027, month: 3, day: 1))
        #expect(day(.counted(365), 2028) == CivilDay(year: 2028, month: 12, day: 31))
        #expect(day(.ofYear(59), 2028) == CivilDay(year: 2028, month: 2, day: 29))
        #expect(day(.ofYear(0), 2028) == CivilDay(year: 2028, month: 1, day: 1))
        #expect(day(.weekday(month: 2, week: 5, weekday: 2), 2028) == CivilDay(year: 2028, month: 2, day: 29))
        #expect(day(.weekday(month: 2, week: 1, weekday: 2), 2028) == CivilDay(year: 2028, month: 2, day: 1))
    }

    @Test("A damaged file is no zone, wherever the damage is")
    func damaged() throws {
        let sound = try Array(Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/Europe/Berlin")))
        #expect(ZoneFile.table(from: sound) != nil)
        for length in 0..<sound.count - 1 {
            #expect(ZoneFile.table(from: Array(sound.prefix(length))) == nil, "\(length)")
        }
        // Nothing that is read may trap, whatever its bytes say.
        for seed in 0..<4000 as Range<UInt64> {
            var random = SeededExpressions(seed: seed)
            var bytes = sound
            for _ in 0..<random.number(in: 1...8) {
                bytes[random.number(in: 0...bytes.count - 1)] = UInt8(random.number(in: 0...255))
            }
            if let table = ZoneFile.table(from: bytes) {
                for instant in [-1 << 61, -1 << 40, 0, 1_790_000_000, 1 << 40] { _ = table.span(at: instant) }
            }
        }
    }

    @Test("Leap seconds are another clock")
    func leapSeconds() throws {
        let data = try? Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/right/Europe/Berlin"))
        if let data { #expect(ZoneFile.table(from: Array(data)) == nil) }
    }
}

@Suite("Days of the calendar")
struct CivilDayTests {
    @Test func everyDayOf400Years() {
        var day = CivilDay(year: 1900, month: 1, day: 1)
        let first = day.number
        for number in first..<first + 146_097 {
            guard day.number == number, CivilDay(number: number) == day else {
                Issue.record("\(day) is day \(number)")
                return
            }
            day.day += 1
            if day.day > CivilDay.daysInMonth(day.month, of: day.year) { (day.day, day.month) = (1, day.month + 1) }
            if day.month > 12 { (day.month, day.year) = (1, day.year + 1) }
        }
        #expect(day == CivilDay(year: 2300, month: 1, day: 1))
    }

    @Test(
        arguments: [
            (1, 1, 1, -719_162, 1), (1969, 12, 31, -1, 3), (1970, 1, 1, 0, 4), (2000, 2, 29, 11_016, 2),
            (9999, 12, 31, 2_932_896, 5),
            (0, 2, 29, -719_469, 2),
        ])
    func known(_ year: Int, _ month: Int, _ day: Int, _ number: Int, _ weekday: Int) {
        #expect(CivilDay(year: year, month: month, day: day).number == number)
        #expect(CivilDay(number: number) == CivilDay(year: year, month: month, day: day))
        #expect(CivilDay.weekday(ofNumber: number) == weekday)
    }
}
