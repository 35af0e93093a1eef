import Concurrency
import Testing
import TestSupport

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

    /// Chance is what the generator says it is, and takes nothing beyond its share.
    @Test(arguments: UInt64(1)...20) func staysWithinItsShare(_ seed: UInt64) {
        var (one, other) = (Backoff(jitter: 0.3), Backoff(jitter: 0.3))
        var (random, same) = (SeededGenerator(seed: seed), SeededGenerator(seed: seed))
        var delays: [Duration] = []
        for attempt in 0..<12 {
            let delay = one.next(using: &random)
            #expect(delay == other.next(using: &same))
            let ceiling = one.delay(attempt: attempt, unit: 0)
            #expect(delay <= ceiling && delay >= one.delay(attempt: attempt, unit: 1))
            #expect(delay >= ceiling * 0.69 && ceiling <= .seconds(10))
            delays.append(delay)
        }
        #expect(Set(delays).count > 6, "chance is mixed into every one")
    }

    @Test func fullJitterReachesFromNothingToTheWhole() {
        let backoff = Backoff(initial: .seconds(1), maximum: .seconds(60), jitter: 1)
        #expect(backoff.delay(attempt: 2, unit: 0) == .seconds(4))
        #expect(backoff.delay(attempt: 2, unit: 1) == .zero)
    }

    @Test func logsFailuresEverMoreRarely() {
        var backoff = Backoff()
        var logged: [Int] = []
        for failure in 1...100 {
            _ = backoff.next()
            if backoff.shouldLog { logged.append(failure) }
        }
        #expect(logged == [1, 2, 4, 8, 16, 32, 64])
        backoff.reset()
        _ = backoff.next()
        #expect(backoff.shouldLog)
    }
}
