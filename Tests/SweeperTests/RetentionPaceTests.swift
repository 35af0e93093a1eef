import Configuration
import Sweeper
import Testing

@Suite("Pace of retention")
struct RetentionPaceTests {
    private func batch(_ examined: Int, took: Duration, isLast: Bool = false) -> RetentionPace.Batch {
        RetentionPace.Batch(examined: examined, pruned: examined, isLast: isLast, took: took)
    }

    @Test("Full batches that are quick grow up to a bound; those that are not full do not")
    func growth() {
        var pace = RetentionPace()
        #expect(pace.rows == RetentionPace.rows.first)
        _ = pace.next(after: batch(pace.rows - 1, took: .milliseconds(1)), elapsed: .zero)
        #expect(pace.rows == RetentionPace.rows.first)
        for _ in 0..<10 { _ = pace.next(after: batch(pace.rows, took: .milliseconds(1)), elapsed: .zero) }
        #expect(pace.rows == RetentionPace.rows.most)
    }

    @Test("Slow batches shrink, and never to nothing")
    func shrinking() {
        var pace = RetentionPace()
        for _ in 0..<10 { _ = pace.next(after: batch(pace.rows, took: .milliseconds(1)), elapsed: .zero) }
        _ = pace.next(after: batch(pace.rows, took: .milliseconds(10)), elapsed: .zero)
        #expect(pace.rows == RetentionPace.rows.most)
        for _ in 0..<10 { _ = pace.next(after: batch(pace.rows, took: .seconds(1)), elapsed: .zero) }
        #expect(pace.rows == RetentionPace.rows.fewest)
    }

    @Test(
        "A pause is longer than the batch before it, within bounds",
        arguments: [(0, 10), (10, 60), (40, 240), (10_000, 300)])
    func pauses(took: Int, pause: Int) {
        var pace = RetentionPace()
        let step = pace.next(after: batch(10, took: .milliseconds(took)), elapsed: .zero)
        #expect(step == .goOn(after: .milliseconds(pause)))
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
        #expect(all.subtracting(names) == ["activity", "queue_items", "workspace_tokens", "org_tokens"])
        // One of the two ages of the feed is enough to go through it.
        var history = settings
        history.scheduleHistory = .seconds(60)
        #expect(RetentionTable.all(history).contains { $0.name == "activity" })
    }
}
