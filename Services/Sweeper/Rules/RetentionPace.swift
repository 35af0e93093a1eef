/// Decides how much of a table is gone through next, and when: in short transactions, with pauses that leave the database
/// to others, and no longer at a time than the other tables can wait.
package struct RetentionPace: Sendable, Hashable {
    /// What one transaction did.
    package struct Batch: Sendable, Hashable {
        package var examined: Int
        package var pruned: Int
        /// There is nothing old behind it.
        package var isLast: Bool
        package var took: Duration

        package init(examined: Int, pruned: Int, isLast: Bool, took: Duration) {
            self.examined = examined
            self.pruned = pruned
            self.isLast = isLast
            self.took = took
        }
    }

    package enum Step: Sendable, Hashable {
        /// The next batch, after a pause.
        case goOn(after: Duration)
        /// There is more; the other tables come first.
        case giveWay
        case finished
    }

    package static let rows = (fewest: 200, first: 200, most: 500)
    /// Readers of the log stop at the oldest open transaction, so that each batch holds all streams back by so much; and on
    /// a small machine it takes a core from the heartbeats for so long.
    package static let slow: Duration = .milliseconds(25)
    package static let quick: Duration = .milliseconds(8)
    /// A pause is so much longer than the batch before it. It has an end, as the fewest rows have: where everybody is busy
    /// all the time, some hundred rows a second go all the same.
    package static let pauseFactor = 6
    package static let pauses: ClosedRange<Duration> = .milliseconds(10) ... .milliseconds(300)
    /// Rows of the next batch.
    package private(set) var rows = Self.rows.first
    private let turn: Duration

    /// - Parameter turn: the time that one table has until it gives way.
    package init(turn: Duration = .seconds(10)) {
        self.turn = turn
    }

    /// - Parameter elapsed: since this table's turn began.
    package mutating func next(after batch: Batch, elapsed: Duration) -> Step {
        if batch.took > Self.slow {
            rows = max(Self.rows.fewest, rows / 2)
        } else if batch.took < Self.quick, batch.examined >= rows {
            rows = min(Self.rows.most, rows * 2)
        }
        if batch.isLast { return .finished }
        if elapsed >= turn { return .giveWay }
        return .goOn(after: min(max(batch.took * Self.pauseFactor, Self.pauses.lowerBound), Self.pauses.upperBound))
    }
}
