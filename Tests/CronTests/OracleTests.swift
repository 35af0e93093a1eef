import ASCIIText
import Foundation
import Testing

@testable import Cron

/// Slots found by testing every minute, as slowly and plainly as the rules are written.
struct MinuteByMinute {
    /// For every minute of the clock from the window's first to its last, those that were skipped included: the first
    /// instant at which it was shown, or else the instant at which it was skipped.
    private var wallClock: [(shown: Int, instant: Int)] = []
    /// What the clock shows at every minute of real time. Minutes of the clock since 1970, seconds since 1970.
    private var realTime: [(shown: Int, instant: Int)] = []

    init(zone: CronTimeZone, from start: Int, to end: Int) {
        var latest: Int?
        for instant in stride(from: start, to: end, by: 60) {
            let shown = (instant + zone.table.span(at: instant).offset) / 60
            realTime.append((shown, instant))
            for minute in (latest.map { $0 + 1 } ?? shown)..<max(shown + 1, latest.map { $0 + 1 } ?? 0) {
                wallClock.append((minute, instant))
            }
            latest = max(latest ?? shown, shown)
        }
    }

    func slots(_ fields: CronFields) -> [Int] {
        var slots: [Int] = []
        for (shown, instant) in fields.followsRealTime ? realTime : wallClock
        where slots.last != instant && Self.matches(fields, shown) {
            slots.append(instant)
        }
        return slots
    }

    static func matches(_ fields: CronFields, _ minute: Int) -> Bool {
        let number = minute.dividedDown(by: 1440)
        let day = CivilDay(number: number)
        let inDay = minute - number * 1440
        guard fields.minutes & 1 << UInt64(inDay % 60) != 0, fields.hours & 1 << UInt32(inDay / 60) != 0,
            fields.months & 1 << UInt16(day.month) != 0
        else { return false }
        let byDay = fields.days & 1 << UInt32(day.day) != 0
        let byWeekday = fields.weekdays & 1 << UInt8(CivilDay.weekday(ofNumber: number)) != 0
        return fields.matchesEitherDay ? byDay || byWeekday : byDay && byWeekday
    }
}

@Suite("Slots against testing every minute")
struct OracleTests {
    @Test(
        "Random expressions over three weeks around clock changes",
        arguments: [
            ("Europe/Berlin", 2026), ("America/New_York", 2026), ("Europe/Dublin", 2027), ("Australia/Lord_Howe", 2026),
            ("Pacific/Chatham", 2026), ("America/Sao_Paulo", 2018), ("Asia/Beirut", 2026), ("Africa/Cairo", 2026),
            ("America/Havana", 2026), ("America/Nuuk", 2026), ("Africa/Casablanca", 2026), ("Antarctica/Troll", 2026),
            ("Pacific/Apia", 2011), ("Pacific/Kwajalein", 1993), ("Asia/Pyongyang", 2015), ("Europe/Moscow", 2014),
            ("Europe/London", 2150), ("Asia/Gaza", 2050),
        ])
    func aroundChanges(_ name: String, _ year: Int) throws {
        let zone = try zone(name)
        let changes = zone.changes(from: year, to: year + 1)
        #expect(!changes.isEmpty)
        var found = 0
        for change in changes {
            let (start, end) = (change.instant - 10 * 86_400, change.instant + 11 * 86_400)
            // From before the window, so that what was shown before it is known.
            let minutes = MinuteByMinute(zone: zone, from: start - 2 * 86_400, to: end)
            let hour = (change.instant + zone.table.span(at: change.instant - 1).offset) / 3600 % 24
            for seed in 0..<12 as Range<UInt64> {
                var random = SeededExpressions(seed: seed ^ UInt64(bitPattern: Int64(change.instant)))
                let made = random.next(hours: [
                    hour, (hour + 1) % 24, (hour + 23) % 24, (change.instant + change.offset) / 3600 % 24,
                ])
                let expected = minutes.slots(made.fields).filter { $0 > start && $0 < end }
                let sequence = SlotSequence(
                    fields: made.fields, zone: zone.table, after: Date(timeIntervalSince1970: TimeInterval(start)))
                let slots = Array(try #require(sequence).prefix { $0 < end })
                #expect(slots == expected, "\(name), \(made.text), seed \(seed)")
                found += slots.count
                // From any instant, not only from one slot to the next.
                let schedule = try CronSchedule(made.text, timeZone: zone)
                for _ in 0..<20 {
                    let after = change.instant + random.number(in: -7200...7200)
                    guard let next = expected.first(where: { $0 > after }) else { continue }
                    #expect(
                        schedule.next(after: Date(timeIntervalSince1970: TimeInterval(after))) == Instant.date(next),
                        "\(name), \(made.text), seed \(seed), after \(after)")
                }
            }
        }
        #expect(found > 100)
    }

    @Test("Random expressions at random times: later, matching, counted; the same one by one and together")
    func properties() throws {
        let names = TimeZoneTests.names
        for seed in 0..<4000 as Range<UInt64> {
            var random = SeededExpressions(seed: seed)
            let made = random.next()
            let zone = try zone(names[random.number(in: 0...names.count - 1)])
            let schedule = try CronSchedule(made.text, timeZone: zone)
            // Years 1600 to 9950.
            let start = Date(timeIntervalSince1970: TimeInterval(random.number(in: -11_676_096_000...251_850_000_000)))
            let slots = schedule.next(5, after: start)
            #expect(slots.count == 5, "\(made.text), \(zone.name), \(start)")
            var after = start
            for slot in slots {
                #expect(slot > after)
                #expect(schedule.next(after: after) == slot)
                let instant = try #require(Instant.seconds(of: slot))
                let span = zone.table.span(at: instant)
                let minute = (instant + span.offset).dividedDown(by: 60)
                // Or it is the first instant after times that were skipped.
                if !MinuteByMinute.matches(made.fields, minute) || (instant + span.offset) % 60 != 0 {
                    #expect(
                        !made.fields.followsRealTime && instant == span.start, "\(made.text), \(zone.name), \(slot)")
                }
                after = slot
            }
            let middle = slots[4].addingTimeInterval(-1)
            #expect(schedule.count(after: start, through: slots[4], limit: 100) == 5)
            #expect(schedule.count(after: start, through: middle, limit: 100) == 4)
            #expect(schedule.count(after: start, through: slots[4], limit: 3) == 3)
        }
    }
}
