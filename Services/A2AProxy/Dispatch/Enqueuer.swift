import Batching
import EventOutbox
import Foundation
import Observability
import PostgresClient
import Synchronization

/// The caller's `messageId` is that of another message of its own which waits or runs.
package struct MessageIDTaken: Error {}

/// Stores messages for busy targets, many in one commit.
package struct Enqueuer: Sendable {
    /// What became of one message of a batch, whatever became of the others.
    private typealias Stored = Result<Enqueued?, PostgresError>

    /// Bytes of bodies in one statement.
    private static let batchBytes = 4 << 20

    /// How long, and how often, a message is tried for a target whose rows somebody holds.
    private static let heldLimit: Duration = .seconds(8)
    private static let heldPause: Duration = .milliseconds(250)

    private let store: QueueStore
    private let batcher: Batcher<NewItem, Stored>
    /// For those messages: they wait for each other only.
    private let held: Batcher<NewItem, Stored>
    private let backlog: Backlog
    private let metrics: ProxyMetrics

    /// - Parameter backlogBytes: bytes of bodies that may wait for the database, those that it is just given included.
    package init(store: QueueStore, relay: EventRelay, metrics: ProxyMetrics, backlogBytes: Int = 64 << 20) {
        self.store = store
        backlog = Backlog(limit: backlogBytes)
        self.metrics = metrics
        let write: Batcher<NewItem, Stored>.Flush = { items in
            var stored: [Stored] = []
            for slice in items.sliced(by: { $0.body.utf8.count }, upTo: Self.batchBytes) {
                // With the database away, each further slice would only wait as long as this one.
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
        held = Batcher(limit: 200, capacity: 20_000, flush: write)
    }

    /// Stores items in one transaction; each in its own if the database does not take one of them.
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

    /// Stores the items of each target in a transaction of their own: somebody holds the rows of one, which is no
    /// reason to refuse messages for the others.
    private static func enqueueByTarget(_ items: [NewItem], in store: QueueStore) async -> [Stored] {
        var stored = [Stored](repeating: .success(nil), count: items.count)
        for places in Dictionary(grouping: items.indices, by: { items[$0].workspace }).values {
            for (place, outcome) in zip(places, await enqueue(places.map { items[$0] }, in: store)) {
                stored[place] = outcome
            }
        }
        return stored
    }

    /// Returns after the commit. Of a message that waits or runs already there is one item.
    ///
    /// - Throws: ``MessageIDTaken``; another error when the message could not be stored, at once when too much waits for
    ///   the database already.
    package func enqueue(_ item: NewItem) async throws -> Enqueued {
        let bytes = item.body.utf8.count
        guard backlog.take(bytes) else { throw BatcherError.full }
        defer { backlog.giveBack(bytes) }
        let end = ContinuousClock.now + Self.heldLimit
        var batcher = batcher
        var twins = 0
        while twins < 5 {
            switch try await batcher.submit(item) {
            case .success(let enqueued?) where enqueued.isTwin:
                if let twin = try await store.body(of: enqueued.id) {
                    guard A2AMessage.isRepetition(Array(item.body.utf8), of: twin) else { throw MessageIDTaken() }
                    return enqueued
                }
                // Gone with its purged workspace: as one that has ended.
                twins += 1
            case .success(let enqueued?):
                metrics.queued.increment()
                return enqueued
            // A twin was met that ended in that moment; now there is room for this one.
            case .success(nil): twins += 1
            case .failure(let error) where error.isLockTimeout && ContinuousClock.now < end:
                batcher = held
                try? await Task.sleep(for: Self.heldPause)
            case .failure(let error): throw error
            }
        }
        throw BatcherError.full
    }
}

/// What waits to be stored, in bytes: the number of messages alone says little about memory.
private final class Backlog: Sendable {
    private let limit: Int
    private let taken = Mutex(0)

    init(limit: Int) { self.limit = limit }

    /// - Returns: false when there is no room; one message alone always has some.
    func take(_ bytes: Int) -> Bool {
        taken.withLock { taken in
            guard taken == 0 || taken + bytes <= limit else { return false }
            taken += bytes
            return true
        }
    }

    func giveBack(_ bytes: Int) { taken.withLock { $0 -= bytes } }
}
