import Configuration
import Sweeper
import Testing

@Suite("Pace of retention")
struct RetentionPaceTests {
    private func batch(_ examined: Int, took: Duration, isLast: Bool = false) -> RetentionPace.Batch {
        RetentionPace.Batch(examined: examined, pruned: examined, isLast: isLast, took: took)
    }

    private typealias Tempo = RetentionPace.Tempo

    /// A pace whose table did not come to its end for as long as it may go quietly.
    private func hurried() -> RetentionPace {
        var pace = RetentionPace(turn: RetentionPace.quietLimit)
        #expect(pace.next(after: batch(1, took: .milliseconds(5)), elapsed: RetentionPace.quietLimit) == .giveWay)
        return pace
    }

    @Test("Full batches that are quick grow up to a bound; those that are not full do not")
    func growth() {
        var pace = RetentionPace()
        #expect(pace.rows == Tempo.quiet.rows.lowerBound)
        _ = pace.next(after: batch(pace.rows - 1, took: .milliseconds(1)), elapsed: .zero)
        #expect(pace.rows == Tempo.quiet.rows.lowerBound)
        for _ in 0..<10 { _ = pace.next(after: batch(pace.rows, took: .milliseconds(1)), elapsed: .zero) }
        #expect(pace.rows == Tempo.quiet.rows.upperBound)
    }

    @Test("Slow batches shrink, and never to nothing")
    func shrinking() {
        for (start, tempo) in [(RetentionPace(), Tempo.quiet), (hurried(), .hurried)] {
            var pace = start
            for _ in 0..<10 { _ = pace.next(after: batch(pace.rows, took: .milliseconds(1)), elapsed: .zero) }
            _ = pace.next(after: batch(pace.rows, took: tempo.slow), elapsed: .zero)
            #expect(pace.rows == tempo.rows.upperBound)
            for _ in 0..<10 { _ = pace.next(after: batch(pace.rows, took: .seconds(1)), elapsed: .zero) }
            #expect(pace.rows == tempo.rows.lowerBound)
        }
    }

    @Test(
        "A pause is so much longer than the batch before it, within bounds",
        arguments: [(0, 100, 10), (2, 200, 12), (40, 1000, 240), (10_000, 1000, 300)])
    func pauses(took: Int, quiet: Int, hurried: Int) {
        var pace = RetentionPace()
        #expect(
            pace.next(after: batch(10, took: .milliseconds(took)), elapsed: .zero)
                == .goOn(after: .milliseconds(quiet)))
        pace = self.hurried()
        #expect(
            pace.next(after: batch(10, took: .milliseconds(took)), elapsed: .zero)
                == .goOn(after: .milliseconds(hurried)))
    }

    @Test("A table that does not come to its end is hurried, from slice to slice")
    func hurry() {
        var pace = RetentionPace(turn: .seconds(10))
        for _ in 0..<59 { #expect(pace.next(after: batch(10, took: .zero), elapsed: .seconds(10)) == .giveWay) }
        #expect(pace.tempo == .quiet)
        _ = pace.next(after: batch(10, took: .zero), elapsed: .seconds(9))
        #expect(pace.tempo == .quiet)
        #expect(pace.next(after: batch(10, took: .zero), elapsed: .seconds(10)) == .giveWay)
        #expect(pace.tempo == .hurried)
        // As far as they came, slices that a failure ended count, too.
        pace = RetentionPace(turn: .seconds(10))
        for _ in 0..<100 {
            for elapsed in [3, 6] { _ = pace.next(after: batch(10, took: .zero), elapsed: .seconds(elapsed)) }
        }
        #expect(pace.tempo == .hurried)
    }

    @Test("The last batch ends a table; one that has had its time gives way")
    func ends() {
        var pace = RetentionPace(turn: .seconds(3))
        #expect(pace.next(after: batch(10, took: .zero), elapsed: .seconds(3)) == .giveWay)
        #expect(pace.next(after: batch(10, took: .zero, isLast: true), elapsed: .seconds(3)) == .finished)
    }

    @Test("Each age is a setting, in days where one likes, and zero keeps for ever")
    func settings() throws {
        let reader = ConfigurationReader(environment: [
            "RETENTION_EVENTS": "2d", "RETENTION_ACTIVITY": "0", "RETENTION_SCHEDULE_HISTORY": "0",
            "RETENTION_QUEUE_ITEMS": "0", "RETENTION_REVOKED_TOKENS": "0",
        ])
        let settings = RetentionSettings(reader)
        try reader.finish()
        #expect(settings.events == .seconds(2 * 86_400))
        #expect(settings.lifecycleJobs == .seconds(7 * 86_400))
        let names = Set(RetentionTable.all(settings).map(\.name))
        let all = Set(RetentionTable.all(RetentionSettings()).map(\.name))
        #expect(
            all.subtracting(names) == ["activity", "activity_blocks", "queue_items", "workspace_tokens", "org_tokens"])
        // One of the two ages of the feed is enough to go through it.
        var history = settings
        history.scheduleHistory = .seconds(60)
        #expect(RetentionTable.all(history).contains { $0.name == "activity" })
    }
}
