import EventLoop
import Observability
import PostgresClient
import Synchronization

/// Prunes what is older than it is kept, table by table in short transactions. What a run did not get to, the next one
/// does, which follows at once; what a killed one left, any other.
package final class RetentionPass: SweepPass {
    private struct State {
        /// Where tables gave way, and at which pace.
        var places: [String: (position: [String]?, pace: RetentionPace)] = [:]
        var pause: Duration?
    }

    package let name = "retention"
    package let interval: Duration = .seconds(600)
    private let store: RetentionStore
    private let tables: [RetentionTable]
    private let logger: Logger
    private let newPace: RetentionPace
    private let state = Mutex(State())

    /// - Parameter pace: at which each table begins.
    package init(
        store: RetentionStore, settings: RetentionSettings, logger: Logger, pace: RetentionPace = RetentionPace()
    ) {
        self.store = store
        newPace = pace
        tables = RetentionTable.all(settings)
        self.logger = logger
    }

    package var pause: Duration { state.withLock { $0.pause } ?? interval }

    package func run() async throws -> [String: Int] {
        state.withLock { $0.pause = nil }
        var counts: [String: Int] = [:]
        var failure: (any Error)?
        // A run that goes on with what was left begins nothing anew: the others had their turn.
        let left = state.withLock { Set($0.places.keys) }
        for table in tables where left.isEmpty || left.contains(table.name) {
            guard try await store.claim() else {
                // Should the other have been killed, its claim is over by then.
                state.withLock { $0.pause = RetentionStore.lease }
                return counts
            }
            do {
                counts[table.name] = try await prune(table)
            } catch {
                if Task.isCancelled { break }
                // The others need not wait for what is wrong with one.
                logger.warning("table was not pruned", [.name: .string(table.name), .error: .error(error)])
                failure = failure ?? error
            }
        }
        // In a task of its own: this one may be cancelled, and with it every call.
        await Task { [store] in try? await store.release() }.value
        try Task.checkCancellation()
        if let failure { throw failure }
        if state.withLock({ !$0.places.isEmpty }) { state.withLock { $0.pause = .seconds(1) } }
        return counts
    }

    /// One table's turn.
    ///
    /// - Returns: how many rows were pruned.
    private func prune(_ table: RetentionTable) async throws -> Int {
        var (position, pace) = state.withLock { $0.places.removeValue(forKey: table.name) } ?? (nil, newPace)
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
            switch step {
            case .finished: return pruned
            case .goOn(let pause): try await store.postgres.anyLoop.sleep(for: pause)
            case .giveWay:
                state.withLock { $0.places[table.name] = (position, pace) }
                return pruned
            }
        }
    }
}
