import Foundation
import Testing

@testable import Cron

@Suite("Next slots")
struct NextSlotTests {
    @Test(
        arguments: [
            ("* * * * *", "2026-05-04T10:00:00Z", ["2026-05-04T10:01:00Z", "2026-05-04T10:02:00Z"]),
            ("* * * * *", "2026-05-04T10:00:59Z", ["2026-05-04T10:01:00Z"]),
            ("30 9 * * *", "2026-05-04T09:29:59Z", ["2026-05-04T09:30:00Z", "2026-05-05T09:30:00Z"]),
            ("30 9 * * *", "2026-05-04T09:30:00Z", ["2026-05-05T09:30:00Z"]),
            ("59 23 31 12 *", "2026-12-31T23:59:00Z", ["2027-12-31T23:59:00Z"]),
            ("0 0 1 1 *", "2026-12-31T23:59:59Z", ["2027-01-01T00:00:00Z"]),
            ("*/20 8-9 * * *", "2026-05-04T08:30:00Z", ["2026-05-04T08:40:00Z", "2026-05-04T09:00:00Z"]),
            ("5 4 * * SUN", "2026-05-04T00:00:00Z", ["2026-05-10T04:05:00Z", "2026-05-17T04:05:00Z"]),
            ("0 0 * * FRI-MON", "2026-05-04T00:00:00Z", ["2026-05-08T00:00:00Z", "2026-05-09T00:00:00Z"]),
            ("0 0 31 * *", "2026-01-31T00:00:00Z", ["2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"]),
            ("0 0 30 * *", "2026-01-30T00:00:00Z", ["2026-03-30T00:00:00Z", "2026-04-30T00:00:00Z"]),
            // Either day field may match when both are restricted, both must when one begins with *.
            ("0 0 13 * FRI", "2026-01-31T00:00:00Z", ["2026-02-06T00:00:00Z", "2026-02-13T00:00:00Z"]),
            ("0 0 1 * 1", "2026-05-26T00:00:00Z", ["2026-06-01T00:00:00Z", "2026-06-08T00:00:00Z"]),
            ("0 12 */2 * 1", "2026-11-01T00:00:00Z", ["2026-11-09T12:00:00Z", "2026-11-23T12:00:00Z"]),
            ("0 12 1-31/2 * 1", "2026-11-01T00:00:00Z", ["2026-11-01T12:00:00Z", "2026-11-02T12:00:00Z"]),
            ("0 0 13 * */5", "2026-02-14T00:00:00Z", ["2026-03-13T00:00:00Z", "2026-09-13T00:00:00Z"]),
            ("0 0 ? * 1", "2026-11-01T00:00:00Z", ["2026-11-02T00:00:00Z", "2026-11-09T00:00:00Z"]),
            ("0 0 31 4 1", "2026-01-01T00:00:00Z", ["2026-04-06T00:00:00Z", "2026-04-13T00:00:00Z"]),
            // Leap years, also across 2100, which is none.
            ("0 0 29 2 *", "2026-01-01T00:00:00Z", ["2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"]),
            ("0 0 29 2 *", "2096-02-29T00:00:00Z", ["2104-02-29T00:00:00Z"]),
            ("0 0 29 2 *", "1996-02-29T00:00:00Z", ["2000-02-29T00:00:00Z"]),
            ("0 0 29 2 */7", "2026-01-01T00:00:00Z", ["2032-02-29T00:00:00Z", "2060-02-29T00:00:00Z"]),
            ("0 0 29 2 */7", "2088-02-29T00:00:00Z", ["2128-02-29T00:00:00Z"]),
            ("0 0 */31 2 */7", "2026-02-01T00:00:00Z", ["2032-02-01T00:00:00Z"]),
            // Before 1970.
            ("0 12 * * *", "1969-12-31T11:59:59Z", ["1969-12-31T12:00:00Z", "1970-01-01T12:00:00Z"]),
            ("@hourly", "2026-05-04T10:30:00Z", ["2026-05-04T11:00:00Z"]),
            ("@daily", "2026-05-04T10:30:00Z", ["2026-05-05T00:00:00Z"]),
            ("@weekly", "2026-05-04T10:30:00Z", ["2026-05-10T00:00:00Z"]),
            ("@monthly", "2026-05-04T10:30:00Z", ["2026-06-01T00:00:00Z"]),
            ("@yearly", "2026-05-04T10:30:00Z", ["2027-01-01T00:00:00Z"]),
            ("@every 90s", "2026-05-04T10:30:07Z", ["2026-05-04T10:31:37Z", "2026-05-04T10:33:07Z"]),
            ("TZ=Asia/Kolkata 0 9 * * *", "2026-05-04T00:00:00Z", ["2026-05-04T03:30:00Z"]),
        ])
    func table(_ expression: String, _ after: String, _ expected: [String]) throws {
        let schedule = try CronSchedule(expression, timeZone: .utc)
        #expect(try schedule.next(expected.count, after: instant(after)) == expected.map { try instant($0) })
    }

    @Test("A fraction of a second before a slot is before it, and the slot itself is not after itself")
    func fractions() throws {
        let schedule = try CronSchedule("30 9 * * *", timeZone: .utc)
        let slot = try instant("2026-05-04T09:30:00Z")
        // The nearest date that is earlier; a double counted from 1970 would round it to the slot.
        let before = Date(timeIntervalSinceReferenceDate: slot.timeIntervalSinceReferenceDate.nextDown)
        #expect(schedule.next(after: before) == slot)
        #expect(schedule.next(after: slot) == slot + 86_400)
        #expect(schedule.next(after: slot + 0.25) == slot + 86_400)
    }

    @Test("@every keeps the fraction of its last due time")
    func everyKeepsFractions() throws {
        let schedule = try CronSchedule("@every 90s", timeZone: .utc)
        let last = try instant("2026-05-04T09:30:00Z") + 0.125
        #expect(schedule.next(2, after: last) == [last + 90, last + 180])
    }

    @Test("There is nothing outside the years 1 to 9999")
    func horizon() throws {
        for text in ["* * * * *", "0 0 * * *", "@every 90s"] {
            let schedule = try CronSchedule("TZ=America/New_York \(text)", timeZone: .utc)
            for seconds in [.infinity, -.infinity, .nan, 1e300, -1e300, -62_135_596_801, 253_402_300_799] {
                let date = Date(timeIntervalSince1970: seconds)
                #expect(schedule.next(after: date) == nil)
                #expect(schedule.next(3, after: date).isEmpty)
                #expect(schedule.count(after: date, through: date + 100, limit: 5) == 0)
            }
        }
        let everyMinute = try CronSchedule("* * * * *", timeZone: .utc)
        let beginning = Date(timeIntervalSince1970: -62_135_596_800)
        #expect(everyMinute.next(after: beginning) == beginning + 60)
        let end = try instant("9999-12-31T23:58:30Z")
        #expect(try everyMinute.next(5, after: end) == [instant("9999-12-31T23:59:00Z")])
        #expect(everyMinute.count(after: end, through: .init(timeIntervalSince1970: .infinity), limit: 5) == 1)
        let everyDay = try CronSchedule("@every 86400s", timeZone: .utc)
        #expect(everyDay.next(after: end) == nil)
        #expect(
            everyDay.count(after: end - 86_400 * 3, through: .init(timeIntervalSince1970: .infinity), limit: 5) == 3)
    }

    @Test(
        "Slots are counted, but no further than the limit",
        arguments: [
            ("*/5 * * * *", "2026-05-04T10:00:00Z", "2026-05-04T11:00:00Z", 100, 12),
            ("*/5 * * * *", "2026-05-04T10:00:00Z", "2026-05-04T10:59:59Z", 100, 11),
            ("*/5 * * * *", "2026-05-04T10:00:00Z", "2036-05-04T11:00:00Z", 7, 7),
            ("*/5 * * * *", "2026-05-04T10:00:00Z", "2026-05-04T10:00:00Z", 7, 0),
            ("*/5 * * * *", "2026-05-04T10:00:00Z", "2026-05-03T10:00:00Z", 7, 0),
            ("*/5 * * * *", "2026-05-04T10:00:00Z", "2026-05-05T10:00:00Z", 0, 0),
            ("0 9 * * 1-5", "2026-05-04T10:00:00Z", "2026-05-11T09:00:00Z", 100, 5),
            ("@every 90s", "2026-05-04T10:00:00Z", "2026-05-04T10:01:29Z", 100, 0),
            ("@every 90s", "2026-05-04T10:00:00Z", "2026-05-04T10:01:30Z", 100, 1),
            ("@every 90s", "2026-05-04T10:00:00Z", "2026-05-05T10:00:00Z", 10_000, 960),
            ("@every 1s", "2026-05-04T10:00:00Z", "9026-05-04T10:00:00Z", 1_000_000, 1_000_000),
            ("@every 90s", "2026-05-04T10:00:00Z", "2026-05-03T10:00:00Z", 10, 0),
        ])
    func counts(_ expression: String, _ after: String, _ through: String, _ limit: Int, _ expected: Int) throws {
        let schedule = try CronSchedule(expression, timeZone: .utc)
        #expect(try schedule.count(after: instant(after), through: instant(through), limit: limit) == expected)
    }

    @Test("Counting @every agrees with stepping through it, also from fractions of a second")
    func everyCounts() throws {
        for (seconds, fraction) in [(1, 0.123_456), (7, 0.999_999), (60, 0.1), (3600, 0.000_001)] {
            let schedule = try CronSchedule("@every \(seconds)s", timeZone: .utc)
            let start = try instant("2026-05-04T10:00:00Z") + fraction
            for slots in [1, 10, 1000] {
                let end = try #require(schedule.next(slots, after: start).last)
                #expect(schedule.count(after: start, through: end, limit: 10_000) == slots)
                #expect(schedule.count(after: start, through: end - 0.000_1, limit: 10_000) == slots - 1)
            }
        }
    }
}
