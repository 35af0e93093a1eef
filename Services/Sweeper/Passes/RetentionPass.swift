import Observability
import Postgres
import Synchronization
import UVLoop

/// Prunes rows past their retention, table by table in short transactions. The next run, which follows immediately,
/// continues where a run ended; after a crash any instance can continue.
package final class RetentionPass: SweepPass {
    private struct State {
        /// The position and the pace of tables whose pruning is not finished.
        var progress: [String: (position: [String]?, pace: RetentionPace)] = [:]
        /// The start of the run in which a table was last finished.
        var ended: [String: ContinuousClock.Instant] = [:]
        var pause: Duration?
    }

    package let name = "retention"
    package let interval: Duration
    private let store: RetentionStore
    private let tables: [RetentionTable]
    private let logger: Logger
    private let newPace: RetentionPace
    private let state = Mutex(State())

    /// - Parameters:
    ///   - pace: the initial pace of each table.
    ///   - interval: the pause after a table is finished.
    package init(
        store: RetentionStore, settings: RetentionSettings, logger: Logger, pace: RetentionPace = RetentionPace(),
        interval: Duration = .seconds(600)
    ) {
        self.store = store
        self.interval = interval
        newPace = pace
        tables = RetentionTable.all(settings)
        self.logger = logger
    }

    package var pause: Duration { state.withLock { $0.pause } ?? interval }

    package func run() async throws -> [String: Int] {
        state.withLock { $0.pause = nil }
        var counts: [String: Int] = [:]
        var failure: (any Error)?
        let start = ContinuousClock.now
        for table in tables where isDue(table, start) {
            guard try await store.claim() else {
                // If the other instance was killed, its claim has expired by then.
                state.withLock { $0.pause = RetentionStore.lease }
                return counts
            }
            do {
                counts[table.name] = try await prune(table, in: start)
            } catch {
                if Task.isCancelled { break }
                // An error of one table must not block the others. It starts from the beginning, since rows before the
                // failed position expire, too.
                logger.warning("table was not pruned", [.name: .string(table.name), .error: .error(error)])
                state.withLock { $0.progress[table.name]?.position = nil }
                failure = failure ?? error
            }
        }
        // An instance with a backlog keeps the claim: another one would start from the beginning, at the quiet tempo.
        if failure != nil || Task.isCancelled || state.withLock({ $0.progress.isEmpty }) {
            // In a separate task: this one may be cancelled, and with it every query.
            await Task { [store] in try? await store.release() }.value
        }
        try Task.checkCancellation()
        if let failure { throw failure }
        state.withLock { $0.pause = pauseUntilDue(of: $0, since: start) }
        return counts
    }

    /// The pause until the next table is due.
    ///
    /// - Parameter start: the start of the finished run.
    private func pauseUntilDue(of state: State, since start: ContinuousClock.Instant) -> Duration {
        guard state.progress.isEmpty else { return .seconds(1) }
        let due = tables.compactMap { state.ended[$0.name] }.map { $0 + interval }.min()
        return max(.seconds(1), due.map { $0 - start } ?? interval)
    }

    /// A finished table is due again after the interval; an unfinished one always is.
    private func isDue(_ table: RetentionTable, _ now: ContinuousClock.Instant) -> Bool {
        state.withLock { state in
            if state.progress[table.name] != nil { return true }
            return state.ended[table.name].map { now - $0 >= interval } ?? true
        }
    }

    /// Prunes one table for a time slice.
    ///
    /// - Parameter run: when the run began.
    /// - Returns: the number of pruned rows.
    private func prune(_ table: RetentionTable, in run: ContinuousClock.Instant) async throws -> Int {
        var (position, pace) = state.withLock { $0.progress[table.name] } ?? (nil, newPace)
        let clock = ContinuousClock()
        let start = clock.now
        var pruned = 0
        while true {
            let began = clock.now
            let batch = try await store.prune(table, after: position, rows: pace.rows)
            position = batch.position ?? position
            pruned += batch.pruned
            let step = pace.next(
                after: RetentionPace.Batch(
                    examined: batch.examined, pruned: batch.pruned, isLast: batch.isLast, took: clock.now - began),
                elapsed: clock.now - start)
            // Stored before the next batch, so that the pace is kept if that fails.
            state.withLock { $0.progress[table.name] = (position, pace) }
            switch step {
            case .finished:
                state.withLock { state in
                    state.progress[table.name] = nil
                    state.ended[table.name] = run
                }
                return pruned
            case .goOn(let pause): try await store.postgres.anyLoop.sleep(for: pause)
            case .giveWay: return pruned
            }
        }
    }
}
