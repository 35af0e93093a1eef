import Foundation

/// The instants at which fields are due in a zone, one after the other.
struct SlotSequence: Sequence, IteratorProtocol {
    private let fields: CronFields
    private let zone: ZoneTable
    /// The last instant, and the span that it lies in.
    private var instant: Int
    private var span: ClockSpan

    /// - Parameter after: the slots are strictly later.
    /// - Returns: nil when it lies outside the years 1 to 9999.
    init?(fields: CronFields, zone: ZoneTable, after: Date) {
        guard let instant = Instant.seconds(of: after) else { return nil }
        self.fields = fields
        self.zone = zone
        self.instant = instant
        span = zone.span(at: instant)
    }

    /// Seconds since 1970.
    mutating func next() -> Int? {
        guard let next = fields.followsRealTime ? nextByRealTime() : nextByClock() else { return nil }
        guard next <= Instant.range.upperBound else { return nil }
        instant = next
        return next
    }

    /// A time counts at the first instant at which the clock shows it or, where it leaps over it, a later one. So a
    /// time that comes twice counts the first time; the times that a leap skips fall together, on its end.
    private mutating func nextByClock() -> Int? {
        // What the clock has shown by now, be it before it was set back.
        let shown = Swift.max(instant + span.offset, span.peak - 1)
        guard let time = fields.clockTime(after: shown) else { return nil }
        while span.until + span.offset <= time { span = zone.span(at: span.until) }
        return Swift.max(span.start, time - span.offset)
    }

    /// Every minute of real time counts if the clock shows a matching one.
    private mutating func nextByRealTime() -> Int? {
        var shown = instant + span.offset
        guard var time = fields.clockTime(after: shown) else { return nil }
        while span.until + span.offset <= time {
            span = zone.span(at: span.until)
            // Where the clock was set back to times that were not searched, or leapt over the one that was found.
            let first = span.start + span.offset
            guard first <= shown || first > time else { continue }
            shown = first - 1
            guard let found = fields.clockTime(after: shown) else { return nil }
            time = found
        }
        return time - span.offset
    }
}
