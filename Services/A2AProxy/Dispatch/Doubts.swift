import Synchronization

/// How long a call goes on whose target may be silent or not, since the stores that know cannot be asked.
package final class Doubts: Sendable {
    private static let pause: Duration = .seconds(5)
    /// Two minutes of pauses, and what the questions between them wait for their answers: an outage that a database comes
    /// back from by itself.
    private static let limit = 24

    private let count = Atomic(0)

    package init() {}

    /// After what time to look again; nil when it was in doubt for too long.
    package func next() -> Duration? {
        count.add(1, ordering: .relaxed).newValue <= Self.limit ? Self.pause : nil
    }

    /// It is known again.
    package func end() {
        count.store(0, ordering: .relaxed)
    }
}
