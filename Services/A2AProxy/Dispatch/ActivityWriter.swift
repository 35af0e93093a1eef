import Batching
import Contracts
import EventLoop
import EventOutbox
import Foundation
import Observability
import PostgresClient
import Synchronization

/// Writes rows of the feed in batches behind the calls' backs, and tells of those written.
///
/// While the database is away rows wait, up to a limit in bytes; those beyond it are dropped and counted.
package final class ActivityWriter: Sendable {
    private static let batchBytes = 4 << 20
    private static let waitingBytes = 128 << 20
    private static let retryPause: Duration = .seconds(1)
    private static let retries = 60

    private let rows: Batcher<ActivityRow, Void>
    private let pendingBytes = Atomic<Int>(0)
    private let metrics: ProxyMetrics

    package init(
        store: ActivityStore, broadcast: EventBroadcast, loops: EventLoopGroup, metrics: ProxyMetrics, logger: Logger
    ) {
        self.metrics = metrics
        let writing = Writing(store: store, broadcast: broadcast, loops: loops, metrics: metrics, logger: logger)
        let finished = Finisher()
        rows = Batcher(limit: 500, concurrency: 2, capacity: 200_000) { rows in
            for slice in rows.sliced(by: \.weight, upTo: Self.batchBytes) { await writing.write(Array(slice)) }
            finished.callback?(rows.reduce(0) { $0 + $1.weight })
            return rows.map { _ in }
        }
        finished.set { [weak self] bytes in
            self?.pendingBytes.wrappingSubtract(bytes, ordering: .relaxed)
        }
    }

    /// Hands a row over.
    package func add(_ row: ActivityRow) {
        let pending = pendingBytes.wrappingAdd(row.weight, ordering: .relaxed).newValue
        if pending <= Self.waitingBytes, rows.add(row) { return }
        pendingBytes.wrappingSubtract(row.weight, ordering: .relaxed)
        metrics.activityDropped.increment()
    }

    /// Everything handed over has been written, or given up.
    package var isIdle: Bool { pendingBytes.load(ordering: .relaxed) == 0 }

    /// What the batches' closure needs.
    private struct Writing: Sendable {
        let store: ActivityStore
        let broadcast: EventBroadcast
        let loops: EventLoopGroup
        let metrics: ProxyMetrics
        let logger: Logger

        func write(_ rows: [ActivityRow]) async {
            for attempt in 0..<ActivityWriter.retries {
                do {
                    try await store.insert(rows)
                    broadcast.send(.activityLogged, rows.compactMap(\.event))
                    return
                } catch {
                    if error.kind == .server, rows.count > 1 {
                        // One row that the database does not take must not cost the others.
                        for row in rows { await write([row]) }
                        return
                    }
                    guard error.kind == .unavailable, error.outcome == .notApplied else {
                        return giveUp(rows, error)
                    }
                    if attempt == ActivityWriter.retries - 1 { return giveUp(rows, error) }
                    try? await loops.any().sleep(for: ActivityWriter.retryPause)
                }
            }
        }

        private func giveUp(_ rows: [ActivityRow], _ error: PostgresError) {
            metrics.activityDropped.increment(by: rows.count)
            logger.warning("activity not written", [.count: .int(rows.count), .error: .error(error)])
        }
    }

    /// The batcher's closure exists before the writer does.
    private final class Finisher: Sendable {
        private let stored = Mutex<(@Sendable (Int) -> Void)?>(nil)
        var callback: (@Sendable (Int) -> Void)? { stored.withLock { $0 } }
        func set(_ callback: @escaping @Sendable (Int) -> Void) { stored.withLock { $0 = callback } }
    }
}

extension ActivityRow {
    /// The row without its bodies, as it is published.
    fileprivate var event: (workspace: UUID, data: RawJSON)? {
        let event = ActivityLogged(
            id: id, workspaceID: workspace, activityType: type, sourceID: source, targetID: target, method: method,
            summary: summary, status: status, durationMilliseconds: durationMilliseconds, errorDetail: error,
            createdAt: createdAt)
        return (try? RawJSON(encoding: event)).map { (workspace: workspace, data: $0) }
    }
}
