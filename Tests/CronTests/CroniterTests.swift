import Foundation
import Testing

@testable import Cron

/// How croniter reads an expression where it reads it differently: docs/cron.md has the reasons for ours.
enum CroniterDifference: String, CaseIterable {
    /// A wall-clock job's time that comes twice runs twice.
    case runsTwice
    /// Hours with a step, such as `*/2`, or with `*` in a list, are a wall-clock job's.
    case steppedHours
    /// A day field that allows every value, or has `*` not as its first character, restricts nothing.
    case fullDays
    /// A range of weekdays that wraps and has a step skips a day too many at the week's end.
    case steppedWrap

    static func readings(_ made: MadeExpression) -> [CroniterDifference] {
        let words = made.text.split(separator: " ")
        var found: [CroniterDifference] = []
        if !made.fields.followsRealTime { found.append(.runsTwice) }
        if made.fields.followsRealTime, made.fields.hours != CronFields.everyHour { found.append(.steppedHours) }
        if made.fields.matchesEitherDay,
            made.fields.days == CronFields.everyDay || made.fields.weekdays == CronFields.everyWeekday
                || words[2].contains("*") || words[4].contains("*")
        {
            found.append(.fullDays)
        }
        if weekdays(words[4]) != made.fields.weekdays { found.append(.steppedWrap) }
        return found
    }

    /// croniter's weekdays: those of `THU-MON/2` are Thursday and Saturday, not Monday.
    static func weekdays(_ field: Substring) -> UInt8 {
        func bits(_ text: Substring) -> UInt64 { (try? CronFieldSyntax.dayOfWeek.bits(of: Array(text.utf8)[...])) ?? 0 }
        var all: UInt64 = 0
        for entry in field.split(separator: ",") {
            guard let range = entry.wholeMatch(of: /(\w+)-(\w+)\/(\d+)/), let step = Int(range.3),
                case let (low, high) = (bits(range.1).trailingZeroBitCount, bits(range.2).trailingZeroBitCount),
                low > high
            else {
                all |= bits(entry)
                continue
            }
            let untilSaturday = Array(stride(from: low, through: 6, by: step))
            let left = 6 - untilSaturday[untilSaturday.count - 1]
            let skipped = left + 1 == step || left >= step ? 0 : step - left
            for day in untilSaturday + Array(stride(from: skipped, through: high, by: step)) { all |= 1 << UInt64(day) }
        }
        return UInt8(all)
    }

    /// The next slot, read as croniter does in some respects.
    static func next(
        _ made: MadeExpression, _ readings: Set<CroniterDifference>, zone: CronTimeZone, after: Int
    ) -> Int? {
        var fields = made.fields
        if readings.contains(.fullDays) { fields.matchesEitherDay = false }
        if readings.contains(.steppedWrap) { fields.weekdays = weekdays(made.text.split(separator: " ")[4]) }
        func next(realTime: Bool) -> Int? {
            fields.followsRealTime = realTime
            var slots = SlotSequence(
                fields: fields, zone: zone.table, after: Date(timeIntervalSince1970: TimeInterval(after)))
            return slots?.next()
        }
        if readings.contains(.runsTwice) || readings.contains(.steppedHours) {
            return [next(realTime: true), next(realTime: false)].compactMap(\.self).min()
        }
        return next(realTime: made.fields.followsRealTime)
    }
}

@Suite("Slots against croniter")
struct CroniterTests {
    static let zones = [
        "Africa/Cairo", "Africa/Casablanca", "America/Asuncion", "America/Havana", "America/Los_Angeles",
        "America/New_York", "America/Nuuk", "America/Santiago", "America/Sao_Paulo", "America/St_Johns",
        "Antarctica/Troll",
        "Asia/Amman", "Asia/Beirut", "Asia/Gaza", "Asia/Kolkata", "Asia/Pyongyang", "Asia/Tehran", "Asia/Tokyo",
        "Australia/Lord_Howe", "Australia/Sydney", "Europe/Berlin", "Europe/Dublin", "Europe/London", "Europe/Moscow",
        "Pacific/Apia", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Kwajalein", "UTC",
    ]

    struct Case {
        var made: MadeExpression
        var zone: CronTimeZone
        var instants: [Int]
    }

    /// Around every clock change of ten years and of some older ones, and anywhere between.
    private func cases() throws -> [Case] {
        var cases: [Case] = []
        var random = SeededExpressions(seed: 2026)
        for name in Self.zones {
            let zone = try zone(name)
            // Apia and Kwajalein skipped a day in 2011 and 1993.
            let years = name == "Pacific/Kwajalein" ? [1993...1994] : [2009...2012, 2018...2028]
            for change in years.flatMap({ zone.changes(from: $0.lowerBound, to: $0.upperBound + 1) }) {
                let before = change.instant + zone.table.span(at: change.instant - 1).offset
                let after = change.instant + change.offset
                let hours = [before - 3600, before, after, after + 3600].map { ($0 / 3600 + 24) % 24 }
                for _ in 0..<5 {
                    let instants = [-86_400...0, -7200...7200, -7200...7200, -90...90].map {
                        change.instant + random.number(in: $0)
                    }
                    cases.append(Case(made: random.next(hours: hours), zone: zone, instants: instants))
                }
            }
            for _ in 0..<100 {
                // Years 1995 to 2055.
                let instants = (0..<4).map { _ in random.number(in: 788_918_400...2_682_374_400) }
                cases.append(Case(made: random.next(), zone: zone, instants: instants))
            }
        }
        return cases
    }

    @Test("The same slot, or a difference that is meant")
    func slots() async throws {
        let cases = try cases()
        let results = try await CronReference.results(
            .next, cases.map { [$0.made.text, $0.zone.name] + $0.instants.map(String.init) })
        var (same, meant) = (0, [CroniterDifference: Int]())
        for (question, results) in zip(cases, results) {
            let schedule = try CronSchedule(question.made.text, timeZone: question.zone)
            let readings = CroniterDifference.readings(question.made)
            for (instant, theirs) in zip(question.instants, results) {
                let computed = schedule.next(after: Date(timeIntervalSince1970: TimeInterval(instant))).flatMap(
                    Instant.seconds)
                if Int(theirs) == computed {
                    same += 1
                    continue
                }
                // The one reading, or all together, by which exactly croniter's result comes out.
                let explained = (readings.map { [$0] } + [Set(readings)]).first {
                    CroniterDifference.next(question.made, $0, zone: question.zone, after: instant) == Int(theirs)
                }
                for reading in explained ?? [] { meant[reading, default: 0] += 1 }
                if explained == nil {
                    Issue.record(
                        "\(question.made.text), \(question.zone.name), after \(instant): \(computed ?? 0), croniter \(theirs)"
                    )
                }
            }
        }
        #expect(same + meant.values.reduce(0, +) >= 20_000, "\(same) the same, \(meant)")
        #expect(Set(meant.keys) == Set(CroniterDifference.allCases), "\(meant)")
        #expect(same > 19_000)
    }

    /// Expressions that are read differently: what each of the two reads, nil where it refuses.
    @Test(
        arguments: [
            // A range of one value is that value.
            ("7-7 * * * *", "7 * * * *", "* * * * *"), ("0 0 * * SUN-SUN", "0 0 * * 0", "0 0 * * *"),
            ("0 0 * * THU-MON/2", "0 0 * * 4,6,1", "0 0 * * 4,6"),
            ("0 12 15,*/10 * 0-6", "0 12 * * *", "0 12 1,11,15,21,31 * *"),
            // Refused.
            ("0 22-6 * * *", nil, "0 22,23,0-6 * * *"), ("0 0 1 NOV-FEB *", nil, "0 0 1 11,12,1,2 *"),
            ("*/60 * * * *", nil, "0 * * * *"), ("0 */24 * * *", nil, "0 0 * * *"), ("0 0 * * */8", nil, "0 0 * * 0"),
            ("0 0 * * * 30", nil, "0 0 * * * 30"), ("0 0 L * *", nil, "0 0 L * *"), ("0 0 1W * *", nil, "0 0 1W * *"),
            ("0 0 * * 5#2", nil, "0 0 * * 5#2"), ("0 0 30 2 *", nil, nil),
            // Read.
            ("TZ=UTC 0 9 * * *", "0 9 * * *", nil), ("@every 90s", "@every 1m30s", nil),
        ] as [(String, String?, String?)])
    func syntax(_ expression: String, _ computed: String?, _ theirs: String?) async throws {
        let start = Date(timeIntervalSince1970: 1_790_000_000)
        let slots = try? CronSchedule(expression, timeZone: .utc).next(500, after: start)
        #expect(try slots == computed.map { try CronSchedule($0, timeZone: .utc).next(500, after: start) })
        let instants = (0..<8).map { "\(1_790_000_000 + $0 * 1_234_567)" }
        let results = try await CronReference.results(
            .next, [expression, theirs ?? expression].map { [$0, "UTC"] + instants })
        #expect(results[0] == results[1])
        #expect(results[0].allSatisfy { $0.hasPrefix("!") == (theirs == nil) }, "\(results[0])")
    }
}
