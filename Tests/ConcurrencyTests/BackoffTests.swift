import Concurrency
import Testing

@Suite struct BackoffTests {
    @Test func growsToItsCeiling() {
        let backoff = Backoff(initial: .milliseconds(100), maximum: .seconds(1), factor: 2, jitter: 0)
        let delays = (0..<6).map { backoff.delay(attempt: $0, unit: 0.7) }
        #expect(delays == [100, 200, 400, 800, 1000, 1000].map { .milliseconds($0) })
        #expect(backoff.delay(attempt: .max, unit: 0) == .seconds(1))
        #expect(backoff.delay(attempt: -1, unit: 0) == .milliseconds(100))
    }

    @Test(arguments: [(0.0, 1000), (0.5, 900), (1.0, 800)])
    func takesAShareOffByChance(_ unit: Double, _ milliseconds: Int) {
        let backoff = Backoff(initial: .seconds(1), maximum: .seconds(10), jitter: 0.2)
        let difference = backoff.delay(attempt: 0, unit: unit) - .milliseconds(milliseconds)
        #expect(difference < .microseconds(1) && difference > .microseconds(-1))
    }

    @Test func countsAndStartsOver() {
        var backoff = Backoff(initial: .seconds(1), maximum: .seconds(60), jitter: 0.5)
        var random = SystemRandomNumberGenerator()
        for attempt in 0..<10 {
            #expect(backoff.attempt == attempt)
            let delay = backoff.next(using: &random)
            let ceiling = backoff.delay(attempt: attempt, unit: 0)
            #expect(delay <= ceiling && delay >= ceiling / 2)
        }
        backoff.reset()
        #expect(backoff.attempt == 0)
        #expect(backoff.next() <= .seconds(1))
    }

    @Test func toleratesOddSettings() {
        let flat = Backoff(initial: .seconds(5), maximum: .seconds(1), factor: 0, jitter: 9)
        #expect(flat.delay(attempt: 1_000_000_000, unit: 0) == .seconds(1))
        #expect(flat.delay(attempt: 3, unit: 1) == .zero)
    }
}
