import ASCIIText
import Foundation
import Testing

@testable import Cron

/// An instant written as RFC 3339 has it.
func instant(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Date {
    try #require(
        try? Date(text, strategy: .iso8601), "\(text) is no instant", sourceLocation: sourceLocation)
}

func zone(_ name: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> CronTimeZone {
    try #require(CronTimeZone(name), "the system's zone data has no \(name)", sourceLocation: sourceLocation)
}

extension CronTimeZone {
    /// What the clock shows at an instant, such as `2026-03-29 03:00`, with the distance from UTC in minutes.
    func clock(at date: Date) throws -> String {
        let seconds = try #require(Instant.seconds(of: date))
        let offset = table.span(at: seconds).offset
        let shown = seconds + offset
        let day = CivilDay(number: shown.dividedDown(by: 86_400))
        let minute = (shown - day.number * 86_400) / 60
        let text = String(
            format: "%04d-%02d-%02d %02d:%02d", day.year, day.month, day.day, minute / 60, minute % 60)
        return "\(text) \(offset >= 0 ? "+" : "")\(offset / 60)"
    }

    /// The instants at which the clock is set, between the beginnings of two years.
    func changes(from year: Int, to end: Int) -> [ZoneTransition] {
        let range =
            CivilDay(year: year, month: 1, day: 1).number * 86_400..<CivilDay(year: end, month: 1, day: 1).number
            * 86_400
        var changes: [ZoneTransition] = []
        var span = table.span(at: range.lowerBound)
        while span.until < range.upperBound {
            span = table.span(at: span.until)
            changes.append(ZoneTransition(instant: span.start, offset: span.offset))
        }
        return changes
    }
}

extension CronSchedule {
    var fields: CronFields? { if case .fields(let fields) = timing { fields } else { nil } }
}
