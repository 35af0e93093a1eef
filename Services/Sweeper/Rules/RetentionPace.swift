/// Decides how much of a table is gone through next, and when: in short transactions, with pauses that leave the database
/// to others, and no longer at a time than the other tables can wait. A table that does not come to its end so is hurried
/// until it does: rows must not come faster than they go for ever.
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

    /// How large batches are, and how long the pauses between them.
    package struct Tempo: Sendable, Hashable {
        /// Rows of a batch: at least, and at most.
        package let rows: ClosedRange<Int>
        /// Readers of the log stop at the oldest open transaction, so that each batch holds all streams back by so much;
        /// and on a small machine it takes a core from the heartbeats for so long. Slower batches shrink, quicker ones grow.
        package let slow, quick: Duration
        /// A pause is so much longer than the batch before it.
        package let pauseFactor: Int
        /// A pause has an end, as the fewest rows have: where everybody is busy all the time, some rows go all the same.
        package let pauses: ClosedRange<Duration>

        /// A hundredth of the time, which the slowest hundredth of the heartbeats hardly feels.
        package static let quiet = Tempo(
            rows: 100...200, slow: .milliseconds(8), quick: .milliseconds(3), pauseFactor: 100,
            pauses: .milliseconds(100) ... .seconds(1))
        /// Thousands of rows a second, which heartbeats do feel.
        package static let hurried = Tempo(
            rows: 200...500, slow: .milliseconds(25), quick: .milliseconds(8), pauseFactor: 6,
            pauses: .milliseconds(10) ... .milliseconds(300))
    }

    /// How much of its own turns a table goes quietly, unless said otherwise.
    package static let patience: Duration = .seconds(600)

    /// Rows of the next batch.
    package private(set) var rows = Tempo.quiet.rows.lowerBound
    /// Quiet until its patience is over.
    package private(set) var tempo = Tempo.quiet
    private let turn, patience: Duration
    /// Of all turns, and of that the part of the one that goes on.
    private var spent, inTurn: Duration

    /// - Parameters:
    ///   - turn: the time that one table has until it gives way.
    ///   - patience: how much of its turns a table goes quietly.
    package init(turn: Duration = .seconds(10), patience: Duration = patience) {
        self.turn = turn
        self.patience = patience
        (spent, inTurn) = (.zero, .zero)
    }

    /// - Parameter elapsed: since this table's turn began.
    package mutating func next(after batch: Batch, elapsed: Duration) -> Step {
        // A turn that a failure ended is counted as far as it came.
        if elapsed < inTurn { inTurn = .zero }
        spent += elapsed - inTurn
        inTurn = elapsed
        if spent >= patience { tempo = .hurried }
        if batch.took > tempo.slow {
            rows /= 2
        } else if batch.took < tempo.quick, batch.examined >= rows {
            rows *= 2
        }
        rows = min(max(rows, tempo.rows.lowerBound), tempo.rows.upperBound)
        if batch.isLast { return .finished }
        if elapsed >= turn {
            inTurn = .zero
            return .giveWay
        }
        return .goOn(
            after: min(max(batch.took * tempo.pauseFactor, tempo.pauses.lowerBound), tempo.pauses.upperBound))
    }
}
