import Testing

@testable import Cron

@Suite("Schedules in words")
struct ExplanationTests {
    @Test(
        arguments: [
            ("* * * * *", "Every minute, in UTC."),
            ("*/2 * * * *", "Every 2 minutes, in UTC."),
            ("*/15 * * * *", "Every 15 minutes, in UTC."),
            ("0,15,30,45 * * * *", "Every 15 minutes, in UTC."),
            ("0,30 * * * *", "Every 30 minutes, in UTC."),
            ("*/7 * * * *", "Every 7th minute from 0 to 56 of every hour, in UTC."),
            ("0 * * * *", "Every hour on the hour, in UTC."),
            ("5 * * * *", "At minute 5 of every hour, in UTC."),
            ("5,10 * * * *", "At minutes 5 and 10 of every hour, in UTC."),
            ("0-29 * * * *", "Every minute from 0 to 29 of every hour, in UTC."),
            ("0-10,30 * * * *", "At minutes 0 to 10 and 30 of every hour, in UTC."),
            ("3-59/10 * * * *", "At minutes 3, 13, 23, 33, 43 and 53 of every hour, in UTC."),
            ("1,2,4,8,16,32 * * * *", "At minutes 1, 2, 4, 8, 16 and 32 of every hour, in UTC."),
            ("30 9 * * *", "At 09:30 every day, in UTC."),
            ("0 0 * * *", "At 00:00 every day, in UTC."),
            ("0 9,17 * * *", "At 09:00 and 17:00 every day, in UTC."),
            ("0 9,13,17 * * *", "At 09:00, 13:00 and 17:00 every day, in UTC."),
            ("0,30 9-11 * * *", "At 09:00, 09:30, 10:00, 10:30, 11:00 and 11:30 every day, in UTC."),
            ("30 9 * * 1-5", "At 09:30 on weekdays, in UTC."),
            ("30 9 * * MON-FRI", "At 09:30 on weekdays, in UTC."),
            ("0 12 * * 6,0", "At 12:00 at weekends, in UTC."),
            ("0 8 * * MON", "At 08:00 on Mondays, in UTC."),
            ("0 8 * * SUN", "At 08:00 on Sundays, in UTC."),
            ("0 8 * * MON,WED,FRI", "At 08:00 on Mondays, Wednesdays and Fridays, in UTC."),
            ("0 8 * * FRI-MON", "At 08:00 on Mondays, Fridays, Saturdays and Sundays, in UTC."),
            ("* 9 * * *", "Every minute from 09:00 to 09:59, in UTC."),
            ("* 9-17 * * *", "Every minute from 09:00 to 17:59, in UTC."),
            ("*/15 9-17 * * 1-5", "Every 15 minutes from 09:00 to 17:59 on weekdays, in UTC."),
            ("0 9-17 * * 1-5", "Every hour from 09:00 to 17:00 on weekdays, in UTC."),
            ("0 */2 * * *", "Every 2 hours from 00:00 to 22:00, in UTC."),
            ("30 */2 * * *", "Every 2 hours from 00:30 to 22:30, in UTC."),
            ("*/10 */6 * * *", "Every 10 minutes of the hours 00, 06, 12 and 18 every day, in UTC."),
            ("0 0-23 * * *", "Every hour on the hour, in UTC."),
            ("0 1,3,7,9-12,20,23 * * *", "At minute 0 of the hours 01, 03, 07, 09 to 12, 20 and 23 every day, in UTC."),
            ("5,10 9-17 * * *", "At minutes 5 and 10 of the hours 09 to 17 every day, in UTC."),
            ("0 0 1 * *", "At 00:00 on day 1 of the month, in UTC."),
            ("0 0 1,15 * *", "At 00:00 on days 1 and 15 of the month, in UTC."),
            ("0 0 1-7 * *", "At 00:00 on days 1 to 7 of the month, in UTC."),
            ("0 0 */5 * *", "At 00:00 on days 1, 6, 11, 16, 21, 26 and 31 of the month, in UTC."),
            ("0 0 1 1 *", "At 00:00 on 1 January, in UTC."),
            ("0 0 29 2 *", "At 00:00 on 29 February, in UTC."),
            ("0 0 1,15 JAN *", "At 00:00 on 1 and 15 January, in UTC."),
            ("0 0 1 JAN,JUL *", "At 00:00 on day 1 of January and July, in UTC."),
            ("0 0 1 */3 *", "At 00:00 on day 1 of January, April, July and October, in UTC."),
            ("0 0 * 6-8 *", "At 00:00 every day in June to August, in UTC."),
            ("0 9 * JAN-MAR,DEC 1-5", "At 09:00 on weekdays in January to March and December, in UTC."),
            ("* * * 2 *", "Every minute in February, in UTC."),
            ("0 0 13 * 5", "At 00:00 whenever it is day 13 of the month or a Friday, in UTC."),
            ("0 0 1,15 * MON,FRI", "At 00:00 whenever it is day 1 or 15 of the month or a Monday or Friday, in UTC."),
            ("0 0 13 6 5", "At 00:00 in June whenever it is day 13 of the month or a Friday, in UTC."),
            ("0 0 13 * 1-5", "At 00:00 whenever it is day 13 of the month or a weekday, in UTC."),
            ("0 0 */2 * 1", "At 00:00 on every 2nd day of the month from 1 to 31 if it is a Monday, in UTC."),
            ("0 0 1-7 * */7", "At 00:00 on days 1 to 7 of the month if it is a Sunday, in UTC."),
            ("0 0 1-31 * 1", "At 00:00 every day, in UTC."),
            ("0 0 * * 0-7", "At 00:00 every day, in UTC."),
            ("@hourly", "Every hour on the hour, in UTC."),
            ("@daily", "At 00:00 every day, in UTC."),
            ("@weekly", "At 00:00 on Sundays, in UTC."),
            ("@monthly", "At 00:00 on day 1 of the month, in UTC."),
            ("@yearly", "At 00:00 on 1 January, in UTC."),
            ("CRON_TZ=Asia/Tokyo 0 9 * * *", "At 09:00 every day, in Asia/Tokyo."),
            ("@every 1s", "Every second, counted from the last due time."),
            ("@every 90s", "Every 1 minute and 30 seconds, counted from the last due time."),
            ("@every 1m", "Every minute, counted from the last due time."),
            ("@every 1h", "Every hour, counted from the last due time."),
            ("@every 1h30m", "Every 1 hour and 30 minutes, counted from the last due time."),
            ("@every 2h", "Every 2 hours, counted from the last due time."),
            ("@every 1d", "Every day, counted from the last due time."),
            ("@every 366d", "Every 366 days, counted from the last due time."),
            ("@every 1d2h3m4s", "Every 1 day, 2 hours, 3 minutes and 4 seconds, counted from the last due time."),
            ("0 7-19/3 * * *", "At 07:00, 10:00, 13:00, 16:00 and 19:00 every day, in UTC."),
            ("15 0-22/2 * * 1-5", "Every 2 hours from 00:15 to 22:15 on weekdays, in UTC."),
            ("*/20 8,9,12 * * *", "Every 20 minutes of the hours 08, 09 and 12 every day, in UTC."),
            ("*/20 22,23,0,1,2 * * *", "Every 20 minutes of the hours 00 to 02, 22 and 23 every day, in UTC."),
            ("1-59/2 */5 * * *", "Every 2nd minute from 1 to 59 of the hours 00, 05, 10, 15 and 20 every day, in UTC."),
            ("* */2 * * *", "Every minute of every 2nd hour from 00 to 22 every day, in UTC."),
            ("0 0 2-30/2 * *", "At 00:00 on every 2nd day of the month from 2 to 30, in UTC."),
            ("0 0 2-30/2 3,4 *", "At 00:00 on every 2nd day of March and April from 2 to 30, in UTC."),
            ("0 0 1-5,20 12 *", "At 00:00 on 1 to 5 and 20 December, in UTC."),
            ("7 * 1 1 *", "At minute 7 of every hour on 1 January, in UTC."),
            ("* * 13 * 5", "Every minute whenever it is day 13 of the month or a Friday, in UTC."),
            ("0 12 */2 6 1", "At 12:00 on every 2nd day of June from 1 to 31 if it is a Monday, in UTC."),
            (
                "0 12 1-3 6,7 0,6",
                "At 12:00 in June and July whenever it is day 1 to 3 of the month or a Saturday or Sunday, in UTC."
            ),
        ])
    func table(_ expression: String, _ words: String) throws {
        #expect(try CronSchedule(expression, timeZone: .utc).explanation == words)
    }

    @Test("The zone is the schedule's own")
    func zones() throws {
        #expect(
            try CronSchedule("30 9 * * 1-5", timeZone: zone("Europe/Berlin")).explanation
                == "At 09:30 on weekdays, in Europe/Berlin.")
    }

    @Test("Random expressions have a sentence, of bounded length")
    func random() throws {
        for seed in 0..<2000 as Range<UInt64> {
            var random = SeededExpressions(seed: seed)
            let made = random.next()
            let text = try CronSchedule(made.text, timeZone: .utc).explanation
            #expect(text.hasSuffix(", in UTC.") && text.first?.isUppercase == true, "\(made.text): \(text)")
            #expect(!text.contains("  ") && !text.contains(" ,") && text.utf8.count < 600, "\(made.text): \(text)")
        }
    }
}
