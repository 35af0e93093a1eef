import Synchronization

/// Limits how often the idle timeout of a call is extended while the liveness of its target cannot be read.
package final class IdleExtensionLimit: Sendable {
    private static let step: Duration = .seconds(5)
    /// Two minutes of extensions, plus the timeouts of the queries between them: an outage that a database recovers
    /// from by itself.
    private static let limit = 24

    private let count = Atomic(0)

    package init() {}

    /// The next extension; nil when the limit is reached.
    package func next() -> Duration? {
        count.add(1, ordering: .relaxed).newValue <= Self.limit ? Self.step : nil
    }

    /// Resets the count: liveness could be read again.
    package func end() {
        count.store(0, ordering: .relaxed)
    }
}
