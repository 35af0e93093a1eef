/// Delays between attempts to connect: doubling, capped, with jitter so that clients do not reconnect in step.
struct Backoff {
    let first: Duration
    let limit: Duration
    private(set) var attempts = 0

    init(first: Duration, limit: Duration) {
        self.first = first
        self.limit = limit
    }

    /// The delay before the next attempt: between half and all of `first * 2^attempts`.
    mutating func next() -> Duration {
        let full = min(limit, first * (1 << min(attempts, 16)))
        attempts += 1
        return full * Double.random(in: 0.5...1)
    }

    mutating func reset() { attempts = 0 }

    /// Whether this failure should be logged: the 1st, 2nd, 4th, 8th, ... in a row.
    var shouldLog: Bool { attempts & (attempts - 1) == 0 }
}
