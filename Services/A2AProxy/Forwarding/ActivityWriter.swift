import ActivityFeed
import Batching
import Contracts
import EventOutbox
import Foundation
import JSONBytes
import Observability
import Postgres
import Synchronization
import UVLoop

/// Writes rows of the feed asynchronously in batches, and broadcasts those written.
///
/// While the database is unavailable rows are buffered, up to a limit in bytes; those beyond it are dropped and
/// counted.
package final class ActivityWriter: Sendable {
    /// Rows that arrive within this time are coalesced into one statement: no caller waits for a row, and a commit for
    /// each costs more than its call.
    private static let coalescingDelay: Duration = .milliseconds(25)
    private static let batchBytes = 4 << 20
    private static let waitingBytes = 128 << 20
    private static let retryPause: Duration = .seconds(1)
    private static let retries = 60

    private struct State {
        var waiting: [ActivityRow] = []
        /// Of the buffered rows and of those that are being written.
        var bytes = 0
        var isWriting = false
    }

    private let state = Mutex(State())
    private let store: ActivityLogStore
    private let broadcast: EventBroadcast
    private let loops: EventLoopGroup
    private let metrics: ProxyMetrics
    private let logger: Logger

    package init(
        store: ActivityLogStore, broadcast: EventBroadcast, loops: EventLoopGroup, metrics: ProxyMetrics, logger: Logger
    ) {
        self.store = store
        self.broadcast = broadcast
        self.loops = loops
        self.metrics = metrics
        self.logger = logger
    }

    /// Buffers a row; drops and counts it beyond the limit.
    package func add(_ row: ActivityRow) {
        let (isAccepted, isFirst) = state.withLock { state in
            guard state.bytes + row.weight <= Self.waitingBytes else { return (false, false) }
            state.bytes += row.weight
            state.waiting.append(row)
            defer { state.isWriting = true }
            return (true, !state.isWriting)
        }
        if !isAccepted { metrics.activityDropped.increment() }
        // On the global pool: a batch of large bodies would hold up a loop.
        if isFirst { Task { await run() } }
    }

    /// Whether every row has been written or dropped.
    package var isIdle: Bool { state.withLock { $0.bytes == 0 } }

    private func run() async {
        while true {
            try? await loops.any().sleep(for: Self.coalescingDelay)
            guard let rows = take() else { return }
            for slice in rows.sliced(by: { $0.weight }, upTo: Self.batchBytes) { await write(Array(slice)) }
            let written = rows.reduce(0) { $0 + $1.weight }
            state.withLock { $0.bytes -= written }
        }
    }

    /// The buffered rows, or nil when there are none; the writing task ends then.
    private func take() -> [ActivityRow]? {
        state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.isWriting = false
                return nil
            }
            defer { state.waiting = [] }
            return state.waiting
        }
    }

    private func write(_ rows: [ActivityRow]) async {
        for attempt in 0..<Self.retries {
            do {
                try await insert(rows)
                broadcast.send(.activityLogged, rows.map { (workspace: $0.workspace, data: $0.event) })
                return
            } catch {
                let error = error as? PostgresError
                if error?.kind == .server, rows.count > 1 {
                    // One row that the database rejects must not cost the others.
                    for row in rows { await write([row]) }
                    return
                }
                guard let error, [.unavailable, .deadline].contains(error.kind), attempt < Self.retries - 1 else {
                    return drop(rows, error)
                }
                try? await loops.any().sleep(for: Self.retryPause)
            }
        }
    }

    /// A batch is written atomically, and its ids are unique: a conflict means that an earlier attempt, whose response
    /// was lost, has written it.
    private func insert(_ rows: [ActivityRow]) async throws {
        do {
            try await store.copy(rows)
        } catch let error as PostgresError where error.isUniqueViolation(of: "activity_logs_pkey") {}
    }

    private func drop(_ rows: [ActivityRow], _ error: (any Error)?) {
        metrics.activityDropped.increment(by: rows.count)
        logger.warning(
            "activity not written", [.count: .int(rows.count), .error: .string(error.map { "\($0)" } ?? "unknown")])
    }
}

extension ActivityRow {
    /// The row without its bodies, as it is published: the data of ``ActivityLogged``, written by hand, since there is
    /// one for each call.
    package var event: RawJSON {
        var writer = JSONWriter(reservingCapacity: 448)
        writer.object { writer in
            writer.member("id", id.lowercased)
            writer.member("workspace_id", workspace.lowercased)
            writer.member("activity_type", type.rawValue)
            writer.member("source_id", orNull: source?.lowercased)
            writer.member("target_id", orNull: target?.lowercased)
            writer.member("method", orNull: method)
            writer.member("summary", orNull: summary)
            writer.member("status", status)
            writer.member("duration_ms", orNull: durationMilliseconds)
            writer.member("error_detail", orNull: error)
            writer.member("created_at", RFC3339.format(createdAt))
        }
        return RawJSON(unchecked: writer.bytes)
    }
}
