import Foundation
import Testing
@testable import Cron

@Suite("Cron expressions that are read")
struct ParsingTests {
    /// Two ways to write the same, with the same effect.
    @Test(
        arguments: [
            // Lists, ranges, steps.
            ("0,15,30,45 * * * *", "*/15 * * * *"), ("0-59 * * * *", "* * * * *"), ("5,5,5 * * * *", "5 * * * *"),
            ("0-30/10 * * * *", "0,10,20,30 * * * *"), ("10-20/15 * * * *", "10 * * * *"),
            ("5/20 * * * *", "5,25,45 * * * *"),
            ("59/15 * * * *", "59 * * * *"), ("*/59 * * * *", "0,59 * * * *"), ("7-7 * * * *", "7 * * * *"),
            ("1-3,5-7/2,9 * * * *", "1,2,3,5,7,9 * * * *"), ("*/1 * * * *", "* * * * *"), ("07 09 * * *", "7 9 * * *"),
            ("0 */23 * * *", "0 */23 * * *"), ("0 0 */31 * *", "0 0 */31,1 * *"), ("0 0 1 */12 *", "0 0 1 1 *"),
            // Blanks.
            ("  0\t9 * \t * *  ", "0 9 * * *"),
            // Names, in any case.
            ("0 0 1 JAN *", "0 0 1 1 *"), ("0 0 1 jan,Jul,dEC *", "0 0 1 1,7,12 *"),
            ("0 0 1 FEB-APR *", "0 0 1 2,3,4 *"),
            ("0 0 1 JAN-DEC/3 *", "0 0 1 1,4,7,10 *"), ("0 0 1 9/2 *", "0 0 1 9,11 *"), ("0 0 * * mon", "0 0 * * 1"),
            ("0 0 * * MON-FRI", "0 0 * * 1,2,3,4,5"), ("0 0 * * SUN,WED", "0 0 * * 0,3"),
            // Sunday is 0 and 7; weekdays wrap.
            ("0 0 * * 7", "0 0 * * 0"), ("0 0 * * 5-7", "0 0 * * FRI,SAT,SUN"), ("0 0 * * FRI-MON", "0 0 * * 5,6,0,1"),
            ("0 0 * * 6-0", "0 0 * * 0,6"), ("0 0 * * SAT-SUN", "0 0 * * 0,6"), ("0 0 * * 7-2", "0 0 * * 0,1,2"),
            ("0 0 * * FRI-TUE/2", "0 0 * * FRI,SUN,TUE"), ("0 0 * * 1-7/2", "0 0 * * 1,3,5,0"),
            ("0 0 * * 5/1", "0 0 * * 5,6"),
            ("0 0 * * 7/3", "0 0 * * 0,3,6"), ("0 0 * * SUN-SUN", "0 0 * * 0"), ("0 0 1 * */7", "0 0 1 * */7,0"),
            // ? restricts nothing.
            ("0 0 ? * 1", "0 0 * * 1"), ("0 0 1 * ?", "0 0 1 * *"), ("0 0 ? * ?", "0 0 * * *"),
            // Names of whole expressions.
            ("@hourly", "0 * * * *"), ("@daily", "0 0 * * *"), ("@midnight", "0 0 * * *"), ("@weekly", "0 0 * * 0"),
            ("@monthly", "0 0 1 * *"), ("@yearly", "0 0 1 1 *"), ("@annually", "0 0 1 1 *"), ("@Daily", "0 0 * * *"),
            ("  @daily\t", "@daily"),
            // Lengths of time.
            ("@every 90s", "@every 1m30s"), ("@every 1h30m", "@every 90m"), ("@every  1d", "@every 24h"),
            ("@every 30m1h", "@every 1h30m"), ("@every 0h90s", "@every 90s"), ("@every 366d", "@every 31622400s"),
            // The prefix wins.
            ("CRON_TZ=UTC 0 9 * * *", "0 9 * * *"), ("TZ=UTC @daily", "@daily"), (" TZ=UTC\t0 9 * * *", "0 9 * * *"),
        ])
    func same(_ one: String, _ other: String) throws {
        #expect(try CronSchedule(one, timeZone: .utc) == CronSchedule(other, timeZone: .utc))
    }

    @Test(
        "What does not mean the same is not the same",
        arguments: [
            ("0 0 1 * 1", "0 0 */31 * 1"), ("0 0-23 * * *", "0 * * * *"), ("0 0 1-31 * 1", "0 0 * * 1"),
            ("@every 60s", "* * * * *"), ("0 9 * * *", "CRON_TZ=Europe/Berlin 0 9 * * *"),
        ])
    func different(_ one: String, _ other: String) throws {
        #expect(try CronSchedule(one, timeZone: .utc) != CronSchedule(other, timeZone: .utc))
    }

    @Test("The prefix names the zone, whichever was given")
    func prefix() throws {
        let berlin = try zone("Europe/Berlin")
        for text in ["CRON_TZ=Europe/Berlin 30 9 * * *", "TZ=Europe/Berlin 30 9 * * *"] {
            let schedule = try CronSchedule(text, timeZone: zone("Asia/Tokyo"))
            #expect(schedule.timeZone == berlin)
            #expect(try schedule == CronSchedule("30 9 * * *", timeZone: berlin))
        }
        #expect(try CronSchedule("30 9 * * *", timeZone: berlin).timeZone.name == "Europe/Berlin")
    }

    @Test("Only @every has an interval")
    func interval() throws {
        #expect(try CronSchedule("@every 1d2h3m4s", timeZone: .utc).interval == .seconds(93_784))
        #expect(try CronSchedule("@every 1s", timeZone: .utc).interval == .seconds(1))
        #expect(try CronSchedule("* * * * *", timeZone: .utc).interval == nil)
        #expect(try CronSchedule("@hourly", timeZone: .utc).interval == nil)
    }

    @Test("Random expressions allow what they were made to allow")
    func random() throws {
        for seed in 0..<3000 as Range<UInt64> {
            var random = SeededExpressions(seed: seed)
            let made = random.next()
            let schedule = try CronSchedule(made.text, timeZone: .utc)
            #expect(schedule.fields == made.fields, "\(seed): \(made.text)")
        }
    }
}
