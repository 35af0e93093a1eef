import Synchronization

/// A number that only grows: requests, bytes, failures.
package final class Counter: Sendable {
    private let total = Atomic<Int>(0)

    package init() {}

    /// Adds to the count; negative amounts are ignored, a counter never falls.
    package func increment(by amount: Int = 1) {
        if amount > 0 { total.wrappingAdd(amount, ordering: .relaxed) }
    }

    package var value: Int { total.load(ordering: .relaxed) }
}

/// A number that rises and falls: connections open, messages waiting.
package final class Gauge: Sendable {
    private let current = Atomic<Double>(0)

    package init() {}

    package func set(_ value: Double) { current.store(value, ordering: .relaxed) }
    package func set(_ value: Int) { set(Double(value)) }
    package func increment(by amount: Double = 1) { current.add(amount) }
    package func decrement(by amount: Double = 1) { current.add(-amount) }

    package var value: Double { current.load(ordering: .relaxed) }
}

/// How often values fell into each of a few ranges, and their sum.
package final class Histogram: Sendable {
    /// Upper bounds of the ranges, rising; the range above the last is implied.
    package let bounds: [Double]
    private let counts: [Counter]
    private let sum = Atomic<Double>(0)

    package init(bounds: [Double]) {
        self.bounds = bounds
        counts = (0...bounds.count).map { _ in Counter() }
    }

    /// Counts one value, in the metric's base unit.
    package func observe(_ value: Double) {
        var index = 0
        while index < bounds.count, value > bounds[index] { index += 1 }
        counts[index].increment()
        sum.add(value)
    }

    /// Counts a duration in seconds.
    package func observe(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        observe(Double(seconds) + Double(attoseconds) / 1e18)
    }

    package struct Snapshot: Sendable {
        /// How many values were at or below each bound; the last is the total.
        package let cumulative: [Int]
        package let sum: Double
    }

    package var snapshot: Snapshot {
        var running = 0
        let cumulative = (0...bounds.count).map { index in
            running += counts[index].value
            return running
        }
        return Snapshot(cumulative: cumulative, sum: sum.load(ordering: .relaxed))
    }
}

extension Histogram {
    /// Seconds, from the latency of a cache hit to a request that its user has given up on.
    package static let latencyBounds: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300,
    ]
    /// Items in a batch.
    package static let sizeBounds: [Double] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000]
}

extension Atomic where Value == Double {
    /// Adds by compare and exchange: there is no fetch-and-add for floating point.
    fileprivate func add(_ amount: Double) {
        var current = load(ordering: .relaxed)
        while true {
            let (exchanged, original) = weakCompareExchange(
                expected: current, desired: current + amount, ordering: .relaxed)
            if exchanged { return }
            current = original
        }
    }
}
