import Cron
import Foundation
import Testing

@Suite("Cron expressions that are refused")
struct RefusalTests {
    @Test(
        arguments: [
            // The text as a whole.
            ("", "expression: it is empty"), (" \t ", "expression: it is empty"),
            (
                "* * * *",
                "expression: it has 4 fields; five are wanted: minute, hour, day of the month, month, day of the week"
            ),
            (
                "*",
                "expression: it has 1 field; five are wanted: minute, hour, day of the month, month, day of the week"
            ),
            (
                "0 0 0 * * *",
                "expression: it has 6 fields; five are wanted: minute, hour, day of the month, month, day of the week"
            ),
            (
                "0 0 0 * * * 2026",
                "expression: it has 7 fields; five are wanted: minute, hour, day of the month, month, day of the week"
            ),
            ("0 9 * * *\n", "expression: it contains a control character"),
            ("0 9 * *\u{0} *", "expression: it contains a control character"),
            (
                "@reboot",
                #"expression: "@reboot" is none of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually and @every"#
            ),
            (
                "@",
                #"expression: "@" is none of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually and @every"#
            ),
            ("@daily 5", "expression: nothing may follow @daily"),
            ("0 @daily * * *", #"hour: "@daily" is not a number"#),
            // Values.
            ("60 * * * *", "minute: 60 is beyond 59"), ("* 24 * * *", "hour: 24 is beyond 23"),
            ("* * 32 * *", "day of the month: 32 is beyond 31"), ("* * 0 * *", "day of the month: 0 is below 1"),
            ("* * * 13 *", "month: 13 is beyond 12"), ("* * * 0 *", "month: 0 is below 1"),
            ("* * * * 8", "day of the week: 8 is beyond 7"), ("0-60 * * * *", "minute: 60 is beyond 59"),
            ("99999999999999999999999 * * * *", "minute: such a number is beyond 59"),
            ("-1 * * * *", #"minute: a value is missing in "-1""#), ("+1 * * * *", #"minute: "+1" is not a number"#),
            ("1.5 * * * *", #"minute: "1.5" is not a number"#), ("x * * * *", #"minute: "x" is not a number"#),
            ("\u{0661} * * * *", "minute: \"\u{0661}\" is not a number"),
            ("*5 * * * *", "minute: * must stand alone or before a step"),
            ("** * * * *", "minute: * must stand alone or before a step"),
            ("*-5 * * * *", "minute: * must stand alone or before a step"),
            ("5-* * * * *", "minute: * must stand alone or before a step"),
            ("0\u{00A0}9 * * * *", "minute: \"0\u{00A0}9\" is not a number"),
            // Lists, ranges and steps.
            ("1,,2 * * * *", "minute: an entry of the list is empty"),
            (", * * * *", "minute: an entry of the list is empty"),
            ("1, * * * *", "minute: an entry of the list is empty"),
            ("*, * * * *", "minute: an entry of the list is empty"),
            ("* 5- * * *", #"hour: a value is missing in "5-""#), ("* - * * *", #"hour: a value is missing in "-""#),
            ("* 1-2-3 * * *", #"hour: "2-3" is not a number"#), ("* /5 * * *", #"hour: a value is missing in "/5""#),
            ("*/ * * * *", #"minute: the step is missing in "*/""#),
            ("*/0 * * * *", "minute: a step of 0 leads nowhere"),
            ("1-5/0 * * * *", "minute: a step of 0 leads nowhere"),
            ("*/00 * * * *", "minute: a step of 0 leads nowhere"),
            ("*/x * * * *", #"minute: the step "x" is not a number"#),
            ("*/-1 * * * *", #"minute: the step "-1" is not a number"#),
            ("*/2/3 * * * *", #"minute: the step "2/3" is not a number"#),
            ("*/60 * * * *", "minute: a step of 60 is beyond 59"),
            ("0-10/60 * * * *", "minute: a step of 60 is beyond 59"),
            ("* */24 * * *", "hour: a step of 24 is beyond 23"),
            ("* * */32 * *", "day of the month: a step of 32 is beyond 31"),
            ("* * * */13 *", "month: a step of 13 is beyond 12"),
            ("* * * * */8", "day of the week: a step of 8 is beyond 7"),
            ("*/99999999999999999999 * * * *", "minute: a step of such a number is beyond 59"),
            ("30-10 * * * *", #"minute: the range "30-10" runs backwards"#),
            ("* 22-6 * * *", #"hour: the range "22-6" runs backwards"#),
            ("* * 31-1 * *", #"day of the month: the range "31-1" runs backwards"#),
            ("* * * NOV-FEB *", #"month: the range "NOV-FEB" runs backwards"#),
            // Names.
            ("MON * * * *", #"minute: "MON" is a name for the day of the week"#),
            ("* JAN * * *", #"hour: "JAN" is a name for the month"#),
            ("* * MON * *", #"day of the month: "MON" is a name for the day of the week"#),
            ("* * * MON *", #"month: "MON" is a name for the day of the week"#),
            ("* * * * JAN", #"day of the week: "JAN" is a name for the month"#),
            ("* * * JANUARY *", #"month: "JANUARY" is neither a number nor a name such as FEB"#),
            ("* * * * MONDAY", #"day of the week: "MONDAY" is neither a number nor a name such as MON"#),
            ("* * * * MO", #"day of the week: "MO" is neither a number nor a name such as MON"#),
            ("* * * * MON-XYZ", #"day of the week: "XYZ" is neither a number nor a name such as MON"#),
            ("*/MON * * * *", #"minute: the step "MON" is not a number"#),
            // Question marks and extensions.
            ("? * * * *", "minute: ? may stand for a day only; * is meant"),
            ("* ? * * *", "hour: ? may stand for a day only; * is meant"),
            ("* * * ? *", "month: ? may stand for a day only; * is meant"),
            ("* * ?,1 * *", "day of the month: ? must stand alone"),
            ("* * ?/2 * *", "day of the month: ? must stand alone"),
            ("* * * * 1-?", "day of the week: ? must stand alone"),
            ("* * L * *", #"day of the month: "L" is not understood; L, W and # are extensions that are not taken"#),
            (
                "* * 15W * *",
                #"day of the month: "15W" is not understood; L, W and # are extensions that are not taken"#
            ),
            ("* * * * 5#2", #"day of the week: "5#2" is not understood; L, W and # are extensions that are not taken"#),
            ("H * * * *", #"minute: "H" is not a number"#),
            // Dates that never come.
            ("0 0 30 2 *", "day of the month: no month that is named has such a day"),
            ("0 0 31 2,4,6,9,11 *", "day of the month: no month that is named has such a day"),
            ("0 0 30,31 FEB ?", "day of the month: no month that is named has such a day"),
            ("0 0 31 4 */2", "day of the month: no month that is named has such a day"),
            // Time zones.
            ("CRON_TZ=Mars/Base 0 9 * * *", #"time zone: "Mars/Base" is not in the time zone data"#),
            ("TZ= 0 9 * * *", "time zone: its name is missing"),
            ("TZ=UTC", "expression: nothing follows the time zone"),
            ("TZ=UTC CRON_TZ=UTC 0 9 * * *", "time zone: it is given twice"),
            ("TZ=../../etc/passwd 0 9 * * *", #"time zone: "../../etc/passwd" is not in the time zone data"#),
            (
                "0 9 * * * TZ=UTC",
                "expression: it has 6 fields; five are wanted: minute, hour, day of the month, month, day of the week"
            ),
            ("tz=UTC 9 * * *", #"minute: "tz=UTC" is not a number"#),
            // Lengths of time.
            ("@every", "@every: a length of time must follow, such as 90s"),
            ("@every 1h 30m", "@every: one length of time without blanks must follow"),
            ("@every 0s", #"@every: "0s" is shorter than 1 s"#),
            ("@every 367d", #"@every: "367d" is longer than 366 days"#),
            ("@every 366d1s", #"@every: "366d1s" is longer than 366 days"#),
            ("@every 99999999999999999999999999d", #"@every: "99999999999999999999999999d" is longer than 366 days"#),
            ("@every 90", #"@every: "90" is not a length of time such as 90s or 1h30m"#),
            ("@every h", #"@every: "h" is not a length of time such as 90s or 1h30m"#),
            ("@every -5m", #"@every: "-5m" is not a length of time such as 90s or 1h30m"#),
            ("@every 1.5h", #"@every: "1.5h" has a unit that is none of s, m, h and d"#),
            ("@every 500ms", #"@every: "500ms" is not a length of time such as 90s or 1h30m"#),
            ("@every 1w", #"@every: "1w" has a unit that is none of s, m, h and d"#),
        ])
    func reason(_ expression: String, _ reason: String) {
        let error = #expect(throws: CronError.self) { try CronSchedule(expression, timeZone: .utc) }
        #expect(error?.description == reason)
    }

    @Test("A long expression is refused unread, the longest is read")
    func length() throws {
        let longest = "0" + String(repeating: ",0", count: 123) + " * * * *"
        #expect(longest.utf8.count == 255)
        #expect(try CronSchedule(longest, timeZone: .utc) == CronSchedule("0 * * * *", timeZone: .utc))
        for text in [
            longest + " ", String(repeating: "*/1,", count: 1 << 18), String(repeating: "\u{0}", count: 1 << 20),
        ] {
            let error = #expect(throws: CronError.self) { try CronSchedule(text, timeZone: .utc) }
            #expect(error?.description == "expression: it is longer than 255 bytes")
        }
    }

    @Test("A reason repeats little of what it is about")
    func quotation() {
        let error = #expect(throws: CronError.self) {
            try CronSchedule("\(String(repeating: "y", count: 200)) * * * *", timeZone: .utc)
        }
        #expect(error?.reason == "\"\(String(repeating: "y", count: 40))...\" is not a number")
    }

    @Test("Random bytes are read or refused, and never anything else")
    func noise() {
        let alphabet = Array("0123456789*/,-? \tJANMONSUFRIDEC@everydailyTZ=UTCsmhL#W\u{E9}".utf8)
        var refused = 0
        for seed in 0..<20_000 as Range<UInt64> {
            var random = SeededExpressions(seed: seed)
            var text = Array(random.next().text.utf8)
            for _ in 0..<random.number(in: 1...2) {
                let index = random.number(in: 0...text.count - 1)
                let byte = alphabet[random.number(in: 0...alphabet.count - 1)]
                switch random.number(in: 0...2) {
                case 0: text[index] = byte
                case 1: text.insert(byte, at: index)
                default: if text.count > 1 { text.remove(at: index) }
                }
            }
            do throws(CronError) {
                let schedule = try CronSchedule(String(decoding: text, as: UTF8.self), timeZone: .utc)
                #expect(schedule.next(after: Date(timeIntervalSince1970: 1_790_000_000)) != nil)
            } catch {
                #expect(!error.reason.isEmpty)
                refused += 1
            }
        }
        #expect((4000...19_000).contains(refused), "\(refused) of 20000 were refused")
    }
}
