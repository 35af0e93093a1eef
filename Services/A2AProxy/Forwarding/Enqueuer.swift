import Batching
import EventOutbox
import Foundation
import Observability
import Postgres
import Synchronization

/// The caller's `messageId` is that of a different message of its own which is queued or being delivered.
package struct MessageIDTaken: Error {}

/// Queues messages for busy targets, in batches.
package struct Enqueuer: Sendable {
    /// The result for one message of a batch, independent of the others.
    private typealias Stored = Result<Enqueued?, PostgresError>

    /// Bytes of bodies in one statement.
    private static let batchBytes = 4 << 20

    /// The deadline and the interval of retries for a target whose rows are locked.
    private static let lockTimeout: Duration = .seconds(8)
    private static let lockRetryInterval: Duration = .milliseconds(250)

    private let store: QueueStore
    private let batcher: Batcher<NewItem, Stored>
    /// For messages whose target's rows are locked, so that they delay only each other.
    private let locked: Batcher<NewItem, Stored>
    private let backlog: Backlog
    private let metrics: ProxyMetrics

    /// - Parameter backlogBytes: the limit of bytes of bodies that wait for the database, those being written included.
    package init(store: QueueStore, relay: EventRelay, metrics: ProxyMetrics, backlogBytes: Int = 64 << 20) {
        self.store = store
        backlog = Backlog(limit: backlogBytes)
        self.metrics = metrics
        let write: Batcher<NewItem, Stored>.Flush = { items in
            var stored: [Stored] = []
            for slice in items.sliced(by: { $0.body.utf8.count }, upTo: Self.batchBytes) {
                // While the database is unavailable, each further slice would only time out as well.
                if case .failure(let error)? = stored.last, error.kind != .server {
                    stored += slice.map { _ in .failure(error) }
                } else {
                    stored += await Self.enqueue(Array(slice), in: store)
                }
            }
            relay.committed(stored.compactMap { (try? $0.get())?.event })
            return stored
        }
        batcher = Batcher(limit: 200, concurrency: 2, capacity: 20_000, flush: write)
        locked = Batcher(limit: 200, capacity: 20_000, flush: write)
    }

    /// Stores items in one transaction; each in its own if the database rejects one of them.
    private static func enqueue(_ items: [NewItem], in store: QueueStore) async -> [Stored] {
        do {
            return try await store.enqueue(items).map { .success($0) }
        } catch {
            if error.isLockTimeout, Set(items.map(\.workspace)).count > 1 {
                return await enqueueByTarget(items, in: store)
            }
            guard error.kind == .server, !error.isRetryable, items.count > 1 else {
                return items.map { _ in .failure(error) }
            }
        }
        var stored: [Stored] = []
        for item in items { stored += await enqueue([item], in: store) }
        return stored
    }

    /// Stores the items of each target in a transaction of their own: the locked rows of one target must not fail the
    /// messages for the others.
    private static func enqueueByTarget(_ items: [NewItem], in store: QueueStore) async -> [Stored] {
        var stored = [Stored](repeating: .success(nil), count: items.count)
        for indices in Dictionary(grouping: items.indices, by: { items[$0].workspace }).values {
            for (index, outcome) in zip(indices, await enqueue(indices.map { items[$0] }, in: store)) {
                stored[index] = outcome
            }
        }
        return stored
    }

    /// Returns after the commit. A message that is queued or being delivered already is not stored again.
    ///
    /// - Throws: ``MessageIDTaken``; another error when the message could not be stored, immediately when the backlog
    ///   is full.
    package func enqueue(_ item: NewItem) async throws -> Enqueued {
        let bytes = item.body.utf8.count
        guard backlog.reserve(bytes) else { throw BatcherError.full }
        defer { backlog.release(bytes) }
        let deadline = ContinuousClock.now + Self.lockTimeout
        var batcher = batcher
        var attempts = 0
        while attempts < 5 {
            switch try await batcher.submit(item) {
            case .success(let enqueued?) where enqueued.isDuplicate:
                if let duplicate = try await store.body(of: enqueued.id) {
                    guard AgentRequest.isRepetition(Array(item.body.utf8), of: duplicate) else {
                        throw MessageIDTaken()
                    }
                    return enqueued
                }
                // Deleted with its purged workspace: treated as one that has ended.
                attempts += 1
            case .success(let enqueued?):
                metrics.queued.increment()
                return enqueued
            // The duplicate ended in that moment; now this one can be stored.
            case .success(nil): attempts += 1
            case .failure(let error) where error.isLockTimeout && ContinuousClock.now < deadline:
                batcher = locked
                try? await Task.sleep(for: Self.lockRetryInterval)
            case .failure(let error): throw error
            }
        }
        throw BatcherError.full
    }
}

/// Bounds the bytes of messages that wait to be stored: their number alone says little about memory.
private final class Backlog: Sendable {
    private let limit: Int
    private let reserved = Mutex(0)

    init(limit: Int) { self.limit = limit }

    /// - Returns: false when the backlog is full; a single message always fits.
    func reserve(_ bytes: Int) -> Bool {
        reserved.withLock { reserved in
            guard reserved == 0 || reserved + bytes <= limit else { return false }
            reserved += bytes
            return true
        }
    }

    func release(_ bytes: Int) { reserved.withLock { $0 -= bytes } }
}
