/// Paces the pruning of a table: short transactions, pauses between them, and a time slice, after which the other
/// tables follow. A table whose backlog is not worked off in time is pruned faster until it is, so that it does not
/// grow for ever.
package struct RetentionPace: Sendable, Hashable {
    /// The result of one transaction.
    package struct Batch: Sendable, Hashable {
        package var examined: Int
        package var pruned: Int
        /// Whether there are no expired rows after it.
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
        /// There is more, but the time slice is over.
        case giveWay
        case finished
    }

    /// The bounds of batch sizes and of the pauses between batches.
    package struct Tempo: Sendable, Hashable {
        /// The minimum and maximum rows of a batch.
        package let rows: ClosedRange<Int>
        /// The bounds of a batch's duration: slower batches shrink, quicker ones grow. Readers of the log stop at the
        /// oldest open transaction, so that a batch delays all streams by its duration, and on a small machine it takes
        /// a core from the heartbeats.
        package let slow, quick: Duration
        /// The length of a pause as a multiple of the batch before it.
        package let pauseFactor: Int
        /// The bounds of a pause. With the minimum of rows they ensure progress on a busy database.
        package let pauses: ClosedRange<Duration>

        /// One percent of the time, which hardly affects the 99th percentile of the heartbeats' latency.
        package static let quiet = Tempo(
            rows: 100...200, slow: .milliseconds(8), quick: .milliseconds(3), pauseFactor: 100,
            pauses: .milliseconds(100) ... .seconds(1))
        /// Thousands of rows a second, which does affect the latency of heartbeats.
        package static let hurried = Tempo(
            rows: 200...500, slow: .milliseconds(25), quick: .milliseconds(8), pauseFactor: 6,
            pauses: .milliseconds(10) ... .milliseconds(300))
    }

    /// The default time, in a table's own slices, after which the tempo changes from quiet to hurried.
    package static let quietLimit: Duration = .seconds(600)

    /// Rows of the next batch.
    package private(set) var rows = Tempo.quiet.rows.lowerBound
    /// Quiet until the table has used up that time.
    package private(set) var tempo = Tempo.quiet
    private let turn, quietLimit: Duration
    /// The time of all slices, and that of the current one.
    private var spent, inSlice: Duration

    /// - Parameters:
    ///   - turn: the time slice of one table.
    ///   - quietLimit: the time, in the table's own slices, after which the tempo changes to hurried.
    package init(turn: Duration = .seconds(10), quietLimit: Duration = quietLimit) {
        self.turn = turn
        self.quietLimit = quietLimit
        (spent, inSlice) = (.zero, .zero)
    }

    /// - Parameter elapsed: since this table's time slice began.
    package mutating func next(after batch: Batch, elapsed: Duration) -> Step {
        // A slice that was ended by a failure counts up to its last batch.
        if elapsed < inSlice { inSlice = .zero }
        spent += elapsed - inSlice
        inSlice = elapsed
        if spent >= quietLimit { tempo = .hurried }
        if batch.took > tempo.slow {
            rows /= 2
        } else if batch.took < tempo.quick, batch.examined >= rows {
            rows *= 2
        }
        rows = min(max(rows, tempo.rows.lowerBound), tempo.rows.upperBound)
        if batch.isLast { return .finished }
        if elapsed >= turn {
            inSlice = .zero
            return .giveWay
        }
        return .goOn(
            after: min(max(batch.took * tempo.pauseFactor, tempo.pauses.lowerBound), tempo.pauses.upperBound))
    }
}
