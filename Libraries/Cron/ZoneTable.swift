import ASCIIText

/// A stretch of time in which the clock of a zone keeps one distance from UTC. All in seconds since 1970.
struct ClockSpan: Hashable {
    /// Its first instant.
    var start: Int
    /// The first instant of the next one.
    var until: Int
    /// What the clock shows, less UTC.
    var offset: Int
    /// No clock time up to here is new: it was shown before the span began, or skipped.
    var peak: Int
}

/// What the clock of one zone shows, for all time. Immutable, and shared by all schedules of the zone.
final class ZoneTable: Sendable {
    /// Beyond any instant in use, with headroom for sums.
    static let beginning = Int.min / 4
    static let end = Int.max / 4
    /// Transitions are precomputed up to this year; later ones are computed on demand.
    private static let lastYear = 2100

    static let utc = ZoneTable(offset: 0)

    private let spans: [ClockSpan]
    /// For instants in the last span and after it.
    private let rule: ZoneRule?

    /// A zone whose clock is never set.
    init(offset: Int) {
        spans = [ClockSpan(start: Self.beginning, until: Self.end, offset: offset, peak: Self.beginning)]
        rule = nil
    }

    /// - Parameters:
    ///   - offset: before the first transition.
    ///   - transitions: instants and the offsets from then on, in order.
    ///   - rule: holds after the last transition.
    init(offset: Int, transitions: [ZoneTransition], rule: ZoneRule?) {
        var builder = SpanBuilder(offset: offset)
        for transition in transitions { builder.add(transition) }
        if let rule {
            for year in builder.yearOfLastStart...Swift.max(builder.yearOfLastStart, Self.lastYear) {
                for transition in rule.transitions(of: year) { builder.add(transition) }
            }
        }
        spans = builder.spans
        self.rule = rule
    }

    /// The span that an instant lies in.
    func span(at instant: Int) -> ClockSpan {
        var low = 0
        var high = spans.count - 1
        if instant >= spans[high].start {
            guard let rule else { return spans[high] }
            return rule.span(at: instant, after: spans[high])
        }
        // The last one that does not begin later.
        while low < high {
            let middle = (low + high + 1) / 2
            if spans[middle].start <= instant { low = middle } else { high = middle - 1 }
        }
        return spans[low]
    }
}

/// Puts transitions together to spans; those that change nothing are left out.
private struct SpanBuilder {
    private(set) var spans: [ClockSpan]

    init(offset: Int) {
        spans = [
            ClockSpan(
                start: ZoneTable.beginning, until: ZoneTable.end, offset: offset, peak: ZoneTable.beginning)
        ]
    }

    var yearOfLastStart: Int {
        let start = spans[spans.count - 1].start
        return start == ZoneTable.beginning ? 1970 : CivilDay(number: start.dividedDown(by: 86_400)).year
    }

    mutating func add(_ transition: ZoneTransition) {
        let last = spans[spans.count - 1]
        guard transition.instant > last.start, transition.offset != last.offset else { return }
        spans[spans.count - 1].until = transition.instant
        spans.append(
            ClockSpan(
                start: transition.instant, until: ZoneTable.end, offset: transition.offset,
                peak: max(last.peak, transition.instant + last.offset)))
    }
}
