/// How long to wait before trying again: growing by a factor up to a ceiling, with chance mixed in, so that many
/// clients that failed together do not come back together.
package struct Backoff: Sendable, Equatable {
    /// The first delay.
    package let initial: Duration
    /// No delay is longer.
    package let maximum: Duration
    /// What each delay is multiplied with.
    package let factor: Double
    /// The random share of the delay: with 0.2 a delay of 10 s becomes 8 to 10 s.
    package let jitter: Double
    /// Delays returned since the last success.
    package private(set) var attempt = 0

    /// - Parameters:
    ///   - initial: the first delay.
    ///   - maximum: the longest delay.
    ///   - factor: what each delay is multiplied with, at least 1.
    ///   - jitter: 0 for none, up to 1 for anything between zero and the whole delay (full jitter).
    package init(
        initial: Duration = .milliseconds(100), maximum: Duration = .seconds(10), factor: Double = 2,
        jitter: Double = 0.3
    ) {
        self.initial = initial
        self.maximum = maximum
        self.factor = max(1, factor)
        self.jitter = min(max(0, jitter), 1)
    }

    /// The delay before retry number `attempt`, from 0, with the random number `unit`, from 0 to 1.
    package func delay(attempt: Int, unit: Double) -> Duration {
        var delay = min(initial, maximum)
        for _ in 0..<max(0, attempt) {
            guard delay < maximum, factor > 1 else { break }
            delay = min(delay * factor, maximum)
        }
        return delay * (1 - jitter * unit)
    }

    /// The next delay.
    package mutating func next(using generator: inout some RandomNumberGenerator) -> Duration {
        defer { attempt += 1 }
        return delay(attempt: attempt, unit: .random(in: 0...1, using: &generator))
    }

    /// The next delay.
    package mutating func next() -> Duration {
        var generator = SystemRandomNumberGenerator()
        return next(using: &generator)
    }

    /// Starts over after a success.
    package mutating func reset() { attempt = 0 }

    /// Whether the failure after which this many delays were given out deserves a line in the log: the 1st, 2nd, 4th,
    /// 8th, ... in a row.
    package var shouldLog: Bool { attempt & (attempt - 1) == 0 }
}
