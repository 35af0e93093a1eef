import Cron
import Foundation

/// Expressions with the slots that follow an instant.
///
/// An input's first byte chooses a zone, the next four an instant; the rest is the expression.
enum CronExpressions {
    private static let zones = ["UTC", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Africa/Casablanca"]

    static func judge(_ input: [UInt8]) throws {
        guard input.count > 5, let zone = CronTimeZone(zones[Int(input[0]) % zones.count]) else { return }
        let seconds = input[1..<5].reduce(into: UInt64(0)) { $0 = $0 << 8 | UInt64($1) }
        let after = Date(timeIntervalSince1970: Double(seconds))
        let text = String(decoding: input[5...], as: UTF8.self)
        guard let schedule = try? CronSchedule(text, timeZone: zone) else { return }
        try require(!schedule.explanation.isEmpty, "\(text) is not explained")
        try require(try CronSchedule(text, timeZone: zone) == schedule, "\(text) is read differently again")
        try slotsAgree(schedule, after, text)
    }

    private static func slotsAgree(_ schedule: CronSchedule, _ after: Date, _ text: String) throws {
        let slots = schedule.next(3, after: after)
        var last = after
        for slot in slots {
            try require(slot > last, "\(text): \(slot) is not after \(last)")
            try require(schedule.next(after: last) == slot, "\(text): another slot than \(slot) follows \(last)")
            last = slot
        }
        if slots.count < 3 { try require(schedule.next(after: last) == nil, "\(text): a slot was left out") }
        let count = schedule.count(after: after, through: last, limit: 10)
        try require(count == slots.count, "\(text): \(count) slots were counted up to \(last), of \(slots.count)")
    }
}
