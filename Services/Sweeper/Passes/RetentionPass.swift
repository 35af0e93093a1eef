import EventLoop
import Observability
import PostgresClient
import Synchronization

/// Prunes what is older than it is kept, table by table in short transactions. What a run did not get to, the next one
/// does, which follows at once; what a killed one left, any other.
package final class RetentionPass: SweepPass {
    private struct State {
        /// Where tables gave way, or failed, and at which pace.
        var places: [String: (position: [String]?, pace: RetentionPace)] = [:]
        /// When the run began in which a table last came to its end.
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
    ///   - pace: at which each table begins.
    ///   - interval: for which a table rests that has come to its end.
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
                // Should the other have been killed, its claim is over by then.
                state.withLock { $0.pause = RetentionStore.lease }
                return counts
            }
            do {
                counts[table.name] = try await prune(table, in: start)
            } catch {
                if Task.isCancelled { break }
                // The others need not wait for what is wrong with one. It begins anew: before the place where it failed
                // rows come of age, too.
                logger.warning("table was not pruned", [.name: .string(table.name), .error: .error(error)])
                state.withLock { $0.places[table.name]?.position = nil }
                failure = failure ?? error
            }
        }
        // Who has a backlog goes on with it: another instance would begin at the beginning, and quietly.
        if failure != nil || Task.isCancelled || state.withLock({ $0.places.isEmpty }) {
            // In a task of its own: this one may be cancelled, and with it every call.
            await Task { [store] in try? await store.release() }.value
        }
        try Task.checkCancellation()
        if let failure { throw failure }
        state.withLock { $0.pause = rest(of: $0, since: start) }
        return counts
    }

    /// Until the next run: as long as no table is due.
    ///
    /// - Parameter start: of the run that is over.
    private func rest(of state: State, since start: ContinuousClock.Instant) -> Duration {
        guard state.places.isEmpty else { return .seconds(1) }
        let due = tables.compactMap { state.ended[$0.name] }.map { $0 + interval }.min()
        return max(.seconds(1), due.map { $0 - start } ?? interval)
    }

    /// What has come to its end rests for the interval, however long others take.
    private func isDue(_ table: RetentionTable, _ now: ContinuousClock.Instant) -> Bool {
        state.withLock { state in
            if state.places[table.name] != nil { return true }
            return state.ended[table.name].map { now - $0 >= interval } ?? true
        }
    }

    /// One table's turn.
    ///
    /// - Parameter run: when the run began.
    /// - Returns: how many rows were pruned.
    private func prune(_ table: RetentionTable, in run: ContinuousClock.Instant) async throws -> Int {
        var (position, pace) = state.withLock { $0.places[table.name] } ?? (nil, newPace)
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
            // Also should the next batch fail: it was at this pace.
            state.withLock { $0.places[table.name] = (position, pace) }
            switch step {
            case .finished:
                state.withLock { state in
                    state.places[table.name] = nil
                    state.ended[table.name] = run
                }
                return pruned
            case .goOn(let pause): try await store.postgres.anyLoop.sleep(for: pause)
            case .giveWay: return pruned
            }
        }
    }
}
