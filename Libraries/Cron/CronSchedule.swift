import Foundation

/// When something is due: a cron expression in its time zone. A value without I/O or state.
///
/// The syntax and its rules are in docs/cron.md.
package struct CronSchedule: Sendable, Hashable {
    enum Timing: Sendable, Hashable {
        case fields(CronFields)
        /// Of `@every`, in seconds.
        case interval(Int)
    }

    let timing: Timing
    /// The zone whose clock the fields are about: the prefix's, or else the one that was given.
    package let timeZone: CronTimeZone

    /// Reads an expression.
    ///
    /// - Parameters:
    ///   - expression: five fields, a name such as `@daily`, or `@every` with a length of time; `CRON_TZ=` or `TZ=`
    ///     with a zone's name may stand before it.
    ///   - timeZone: counts where the expression names no zone itself.
    /// - Throws: the field that is wrong, and the reason.
    package init(_ expression: String, timeZone: CronTimeZone) throws(CronError) {
        (timing, self.timeZone) = try CronParser.parse(expression, timeZone: timeZone)
    }

    /// The first slot after an instant.
    ///
    /// - Parameter after: the last due time where the expression is `@every`, whose slots count from it.
    /// - Returns: strictly later, on a whole second but for `@every`; nil when either lies outside the years 1 to 9999.
    package func next(after: Date) -> Date? {
        switch timing {
        case .fields(let fields):
            var slots = SlotSequence(fields: fields, zone: timeZone.table, after: after)
            return slots?.next().map(Instant.date)
        case .interval(let seconds):
            guard Instant.seconds(of: after) != nil else { return nil }
            let next = after + TimeInterval(seconds)
            return Instant.seconds(of: next).map { _ in next }
        }
    }

    /// The slots that follow an instant, in order: `count` of them, fewer only at the end of the year 9999.
    package func next(_ count: Int, after: Date) -> [Date] {
        switch timing {
        case .fields(let fields):
            guard count > 0, let slots = SlotSequence(fields: fields, zone: timeZone.table, after: after) else {
                return []
            }
            return slots.prefix(count).map(Instant.date)
        case .interval:
            var dates: [Date] = []
            while dates.count < count, let next = next(after: dates.last ?? after) { dates.append(next) }
            return dates
        }
    }

    /// How many slots are later than one instant and not later than another.
    ///
    /// - Parameter limit: no more are counted, which bounds the time this takes.
    package func count(after: Date, through: Date, limit: Int) -> Int {
        guard limit > 0, after < through else { return 0 }
        switch timing {
        case .fields(let fields):
            guard var slots = SlotSequence(fields: fields, zone: timeZone.table, after: after) else { return 0 }
            let end = Instant.seconds(of: through) ?? Instant.range.upperBound
            var count = 0
            while count < limit, let slot = slots.next(), slot <= end { count += 1 }
            return count
        case .interval(let seconds):
            guard let start = Instant.microseconds(of: after) else { return 0 }
            let end = Instant.microseconds(of: through) ?? Instant.range.upperBound * 1_000_000
            return min(limit, max(0, end - start) / (seconds * 1_000_000))
        }
    }

    /// Of `@every`, whose slots count from its last due time; nil for any other.
    package var interval: Duration? {
        if case .interval(let seconds) = timing { .seconds(seconds) } else { nil }
    }

    /// An English sentence, such as `At 09:30 on weekdays, in Europe/Berlin.` Schedules that do the same have the same.
    package var explanation: String {
        switch timing {
        case .fields(let fields): "\(fields.explanation), in \(timeZone.name)."
        case .interval(let seconds): "\(CronEvery.explanation(seconds: seconds)), counted from the last due time."
        }
    }
}

/// Dates as whole numbers since 1970, within the years 1 to 9999.
enum Instant {
    static let range = -62_135_596_800...253_402_300_799
    /// From 1970 to 2001, where `Date` counts from.
    private static let epoch = 978_307_200

    /// Rounded down; the sum is made of integers because a double would round it up now and then.
    static func seconds(of date: Date) -> Int? {
        let seconds = date.timeIntervalSinceReferenceDate.rounded(.down)
        guard abs(seconds) < 1e12 else { return nil }
        let whole = Int(seconds) + epoch
        return range.contains(whole) ? whole : nil
    }

    /// Rounded to what PostgreSQL keeps.
    static func microseconds(of date: Date) -> Int? {
        guard let seconds = seconds(of: date) else { return nil }
        let fraction = date.timeIntervalSinceReferenceDate - date.timeIntervalSinceReferenceDate.rounded(.down)
        return seconds * 1_000_000 + Int((fraction * 1_000_000).rounded())
    }

    static func date(_ seconds: Int) -> Date {
        Date(timeIntervalSinceReferenceDate: TimeInterval(seconds - epoch))
    }
}
