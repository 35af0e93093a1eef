import Foundation
import Testing

@testable import Cron

/// By the wall clock (an hour field that does not begin with `*`): what does not exist runs at the first instant that does,
/// what comes twice the first time. By real time: what the clock shows.
@Suite("Clock changes")
struct ClockChangeTests {
    typealias Row = (expression: String, after: String, expected: [String])

    private func check(_ name: String, _ rows: [Row], sourceLocation: SourceLocation = #_sourceLocation) throws {
        for row in rows {
            let schedule = try CronSchedule(row.expression, timeZone: zone(name))
            let found = try schedule.next(row.expected.count, after: instant(row.after)).map { $0.ISO8601Format() }
            #expect(found == row.expected, "\(row.expression) in \(name)", sourceLocation: sourceLocation)
        }
    }

    @Test("An hour is skipped: Europe/Berlin, 02:00 to 03:00")
    func springForward() throws {
        try check(
            "Europe/Berlin",
            [
                (
                    "30 2 * * *", "2026-03-28T00:00:00Z",
                    ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
                ),
                // The first instant itself, and slots that fall on it by themselves: once.
                ("0 2 * * *", "2026-03-29T00:59:59Z", ["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"]),
                (
                    "*/15 2 * * *", "2026-03-29T00:00:00Z",
                    ["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z", "2026-03-30T00:15:00Z"]
                ),
                (
                    "0 2,3 * * *", "2026-03-29T00:00:00Z",
                    ["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z", "2026-03-30T01:00:00Z"]
                ),
                (
                    "30 1-3 * * *", "2026-03-29T00:00:00Z",
                    ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]
                ),
                ("30 2 29 3 *", "2025-04-01T00:00:00Z", ["2026-03-29T01:00:00Z", "2027-03-29T00:30:00Z"]),
                ("30 2 * * SUN", "2026-03-23T00:00:00Z", ["2026-03-29T01:00:00Z", "2026-04-05T00:30:00Z"]),
                // It is not made up for later.
                ("30 2 * * *", "2026-03-29T01:00:00Z", ["2026-03-30T00:30:00Z"]),
                ("30 2 * * *", "2026-03-29T01:10:00Z", ["2026-03-30T00:30:00Z"]),
                // Real time: the hour that is skipped has no slots.
                (
                    "30 * * * *", "2026-03-29T00:00:00Z",
                    ["2026-03-29T00:30:00Z", "2026-03-29T01:30:00Z", "2026-03-29T02:30:00Z"]
                ),
                (
                    "0 */2 * * *", "2026-03-28T22:00:00Z",
                    ["2026-03-28T23:00:00Z", "2026-03-29T02:00:00Z", "2026-03-29T04:00:00Z"]
                ),
                ("*/30 *,2 * * *", "2026-03-29T00:30:00Z", ["2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"]),
                ("0 2-23 * * *", "2026-03-29T00:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z"]),
            ])
    }

    @Test("An hour comes twice: Europe/Berlin, 03:00 to 02:00")
    func fallBack() throws {
        try check(
            "Europe/Berlin",
            [
                ("30 2 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
                ("0 2 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T00:00:00Z", "2026-10-26T01:00:00Z"]),
                ("0 3 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"]),
                (
                    "30 1-3 * * *", "2026-10-24T23:00:00Z",
                    ["2026-10-24T23:30:00Z", "2026-10-25T00:30:00Z", "2026-10-25T02:30:00Z"]
                ),
                // From within the first and the second time.
                ("50 2 * * *", "2026-10-25T00:45:00Z", ["2026-10-25T00:50:00Z", "2026-10-26T01:50:00Z"]),
                ("30 2 * * *", "2026-10-25T00:45:00Z", ["2026-10-26T01:30:00Z"]),
                ("50 2 * * *", "2026-10-25T01:10:00Z", ["2026-10-26T01:50:00Z"]),
                ("* 2 * * *", "2026-10-25T00:59:00Z", ["2026-10-26T01:00:00Z"]),
                // Real time counts: every hour has its slot.
                (
                    "30 * * * *", "2026-10-25T00:00:00Z",
                    ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"]
                ),
                (
                    "0 */2 * * *", "2026-10-24T22:00:00Z",
                    ["2026-10-25T00:00:00Z", "2026-10-25T01:00:00Z", "2026-10-25T03:00:00Z"]
                ),
                ("* * * * *", "2026-10-25T00:59:00Z", ["2026-10-25T01:00:00Z", "2026-10-25T01:01:00Z"]),
            ])
    }

    @Test("The other side of the Atlantic, and a rule that was different once: America/New_York")
    func newYork() throws {
        try check(
            "America/New_York",
            [
                ("30 2 * * *", "2026-03-08T00:00:00Z", ["2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"]),
                ("30 1 * * *", "2026-11-01T00:00:00Z", ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]),
                ("30 * * * *", "2026-11-01T05:00:00Z", ["2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z"]),
                ("30 2 * * *", "2006-04-02T00:00:00Z", ["2006-04-02T07:00:00Z", "2006-04-03T06:30:00Z"]),
                ("30 1 * * *", "2006-10-29T00:00:00Z", ["2006-10-29T05:30:00Z", "2006-10-30T06:30:00Z"]),
                // Computed by the rule, not read.
                ("30 2 * * *", "2150-03-08T00:00:00Z", ["2150-03-08T07:00:00Z", "2150-03-09T06:30:00Z"]),
                ("30 1 * * *", "2150-11-01T00:00:00Z", ["2150-11-01T05:30:00Z", "2150-11-02T06:30:00Z"]),
            ])
    }

    @Test("Half an hour: Australia/Lord_Howe")
    func halfHour() throws {
        try check(
            "Australia/Lord_Howe",
            [
                // 02:00 to 02:30 on 4 October.
                ("15 2 * * *", "2026-10-03T00:00:00Z", ["2026-10-03T15:30:00Z", "2026-10-04T15:15:00Z"]),
                ("0,15,30 2 * * *", "2026-10-03T00:00:00Z", ["2026-10-03T15:30:00Z", "2026-10-04T15:00:00Z"]),
                (
                    "15 * * * *", "2026-10-03T14:00:00Z",
                    ["2026-10-03T14:45:00Z", "2026-10-03T16:15:00Z", "2026-10-03T17:15:00Z"]
                ),
                // 02:00 to 01:30 on 5 April.
                ("45 1 * * *", "2026-04-04T00:00:00Z", ["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"]),
                ("15,45 1 * * *", "2026-04-04T14:45:00Z", ["2026-04-05T14:45:00Z", "2026-04-05T15:15:00Z"]),
                (
                    "45 * * * *", "2026-04-04T14:00:00Z",
                    ["2026-04-04T14:45:00Z", "2026-04-04T15:15:00Z", "2026-04-04T16:15:00Z"]
                ),
            ])
        // 03:45 to 02:45 and back.
        try check(
            "Pacific/Chatham",
            [
                ("0 3 * * *", "2026-09-26T00:00:00Z", ["2026-09-26T14:00:00Z", "2026-09-27T13:15:00Z"]),
                ("0 3 * * *", "2026-04-04T00:00:00Z", ["2026-04-04T13:15:00Z", "2026-04-05T14:15:00Z"]),
            ])
        // Standard time itself went back by half an hour.
        try check(
            "Asia/Pyongyang",
            [("45 23 * * *", "2015-08-14T00:00:00Z", ["2015-08-14T14:45:00Z", "2015-08-15T15:15:00Z"])])
    }

    @Test("Two hours: Antarctica/Troll")
    func twoHours() throws {
        try check(
            "Antarctica/Troll",
            [
                ("30 1,2 * * *", "2026-03-29T00:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-29T23:30:00Z"]),
                ("30 2 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-26T02:30:00Z"]),
                (
                    "30 * * * *", "2026-10-25T00:00:00Z",
                    ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"]
                ),
            ])
    }

    @Test("At midnight: the day begins at 01:00, or its last hour comes twice")
    func midnight() throws {
        try check(
            "America/Sao_Paulo",
            [
                ("0 0 * * *", "2018-11-03T12:00:00Z", ["2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z"]),
                ("30 0 4 11 *", "2018-01-01T00:00:00Z", ["2018-11-04T03:00:00Z", "2019-11-04T03:30:00Z"]),
                ("0 0 * * SUN", "2018-10-29T00:00:00Z", ["2018-11-04T03:00:00Z", "2018-11-11T02:00:00Z"]),
                ("59 23 * * SAT", "2018-10-29T00:00:00Z", ["2018-11-04T02:59:00Z"]),
                ("30 23 * * *", "2018-02-17T12:00:00Z", ["2018-02-18T01:30:00Z", "2018-02-19T02:30:00Z"]),
                // Saturday's last hour comes twice; Sunday's midnight but once.
                ("0 0 * * *", "2018-02-17T12:00:00Z", ["2018-02-18T03:00:00Z", "2018-02-19T03:00:00Z"]),
                // The zone has given it up.
                ("0 0 * * *", "2026-11-01T00:00:00Z", ["2026-11-01T03:00:00Z", "2026-11-02T03:00:00Z"]),
            ])
        try check(
            "Asia/Beirut",
            [
                ("0 0 * * *", "2026-03-28T12:00:00Z", ["2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z"]),
                ("30 23 * * *", "2026-10-24T12:00:00Z", ["2026-10-24T20:30:00Z", "2026-10-25T21:30:00Z"]),
            ])
        try check(
            "Africa/Cairo",
            [
                ("15 0 * * *", "2026-04-23T12:00:00Z", ["2026-04-23T22:00:00Z", "2026-04-24T21:15:00Z"]),
                ("30 23 * * *", "2026-10-29T12:00:00Z", ["2026-10-29T20:30:00Z", "2026-10-30T21:30:00Z"]),
            ])
        try check(
            "America/Havana",
            [
                ("0 0 * * *", "2026-03-07T12:00:00Z", ["2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"]),
                ("30 0 * * *", "2026-10-31T12:00:00Z", ["2026-11-01T04:30:00Z", "2026-11-02T05:30:00Z"]),
            ])
        // A day that ends at 23:00: its last slot runs with the next day's first instant.
        try check(
            "America/Nuuk",
            [("30 23 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"])])
    }

    @Test("Winter time that is the exception: Europe/Dublin, Africa/Casablanca")
    func negativeSaving() throws {
        try check(
            "Europe/Dublin",
            [
                ("30 1 * * *", "2026-03-28T12:00:00Z", ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]),
                ("30 1 * * *", "2026-10-24T12:00:00Z", ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]),
            ])
        // Around Ramadan.
        try check(
            "Africa/Casablanca",
            [
                ("30 2 * * *", "2026-02-14T12:00:00Z", ["2026-02-15T01:30:00Z", "2026-02-16T02:30:00Z"]),
                ("30 2 * * *", "2026-03-21T12:00:00Z", ["2026-03-22T02:00:00Z", "2026-03-23T01:30:00Z"]),
            ])
    }

    @Test("A whole day is skipped: its slots fall together on the next day's first instant")
    func skippedDay() throws {
        // There was no 30 December 2011, a Friday.
        try check(
            "Pacific/Apia",
            [
                (
                    "0 9 * * *", "2011-12-29T12:00:00Z",
                    ["2011-12-29T19:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T19:00:00Z"]
                ),
                ("0,30 8-17 * * *", "2011-12-30T03:30:00Z", ["2011-12-30T10:00:00Z", "2011-12-30T18:00:00Z"]),
                ("30 12 30 12 *", "2011-01-01T00:00:00Z", ["2011-12-30T10:00:00Z", "2012-12-29T22:30:00Z"]),
                ("0 0 31 12 *", "2011-01-01T00:00:00Z", ["2011-12-30T10:00:00Z", "2012-12-30T10:00:00Z"]),
                ("0 0 * * FRI", "2011-12-24T00:00:00Z", ["2011-12-30T10:00:00Z", "2012-01-05T10:00:00Z"]),
                ("0 * 30 12 *", "2011-01-01T00:00:00Z", ["2012-12-29T10:00:00Z"]),
                ("30 * * * *", "2011-12-30T09:00:00Z", ["2011-12-30T09:30:00Z", "2011-12-30T10:30:00Z"]),
            ])
        // Nor a 21 August 1993.
        try check(
            "Pacific/Kwajalein",
            [
                (
                    "0 6 * * *", "1993-08-20T12:00:00Z",
                    ["1993-08-20T18:00:00Z", "1993-08-21T12:00:00Z", "1993-08-21T18:00:00Z"]
                ),
                ("0 */6 21 8 *", "1993-08-20T12:00:00Z", ["1994-08-20T12:00:00Z"]),
            ])
    }

    @Test("A whole day comes twice: America/Juneau, 1867")
    func repeatedDay() throws {
        let juneau = try zone("America/Juneau")
        let change = try #require(juneau.changes(from: 1867, to: 1868).first)
        let daily = try CronSchedule("0 12 * * *", timeZone: juneau)
        // Noon of that date, the first time only.
        let slots = daily.next(4, after: Date(timeIntervalSince1970: TimeInterval(change.instant - 2 * 86_400)))
        #expect(
            try slots.map { try juneau.clock(at: $0).prefix(16) } == [
                "1867-10-18 12:00", "1867-10-19 12:00", "1867-10-20 12:00", "1867-10-21 12:00",
            ])
        let byTheHour = try CronSchedule("0 */12 * * *", timeZone: juneau)
        let real = byTheHour.next(8, after: Date(timeIntervalSince1970: TimeInterval(change.instant - 2 * 86_400)))
        #expect(try real.filter { try juneau.clock(at: $0).hasPrefix("1867-10-19 12:00") }.count == 2)
    }

    @Test("Standard time itself changed: Europe/Moscow, 2011 and 2014")
    func standardTime() throws {
        try check(
            "Europe/Moscow",
            [
                ("30 2 * * *", "2011-03-26T12:00:00Z", ["2011-03-26T23:00:00Z", "2011-03-27T22:30:00Z"]),
                ("30 2 * * *", "2012-03-24T12:00:00Z", ["2012-03-24T22:30:00Z"]),
                ("30 1 * * *", "2014-10-25T12:00:00Z", ["2014-10-25T21:30:00Z", "2014-10-26T22:30:00Z"]),
            ])
    }

    @Test("Local mean time, which differs by seconds: slots are on whole minutes of the clock")
    func localMeanTime() throws {
        // 53 min 28 s ahead of UTC until 1893.
        try check(
            "Europe/Berlin",
            [
                ("0 12 * * *", "1890-06-01T00:00:00Z", ["1890-06-01T11:06:32Z"]),
                ("* * * * *", "1890-06-01T00:00:00Z", ["1890-06-01T00:00:32Z", "1890-06-01T00:01:32Z"]),
                // 00:00:00 became 00:06:32 on 1 April 1893.
                ("3 0 * * *", "1893-03-31T12:00:00Z", ["1893-03-31T23:06:32Z", "1893-04-01T23:03:00Z"]),
            ])
    }
}
