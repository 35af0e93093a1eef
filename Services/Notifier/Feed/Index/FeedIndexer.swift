import Foundation
import Observability
import Postgres
import ServiceLifecycle
import Synchronization
import UVLoop

/// Builds the Bloom filters of a feed's blocks on demand, once a search had to read many rows: feeds that are never
/// searched, and inserts of rows, have no cost.
final class FeedIndexer: GracefulService {
    /// The most waiting workspaces; beyond it requests are dropped, and the next search repeats them.
    private static let waitingLimit = 1000
    /// Bytes of rows per read.
    private static let readBytes = 2 << 20

    let name = "feed-indexer"
    private let store: FeedStore
    private let blocks: BlockStore
    private let loop: EventLoop
    private let logger: Logger
    private let age: Duration
    private let waiting = Mutex<[UUID]>([])
    private let wakes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - slow: provides the connections and the thread, shared with searches.
    ///   - age: the least age of indexed rows; longer than a proxy retries the insert of a row.
    init(_ slow: SlowQueryBulkhead, logger: Logger, age: Duration = .seconds(3600)) {
        store = slow.store
        blocks = BlockStore(postgres: slow.store.postgres)
        loop = slow.loop
        self.logger = logger
        self.age = age
    }

    /// Requests filters for a workspace: a search had to read many rows without any.
    func request(_ workspace: UUID) {
        waiting.withLock { waiting in
            guard waiting.count < Self.waitingLimit, !waiting.contains(workspace) else { return }
            waiting.append(workspace)
        }
        wakes.continuation.yield()
    }

    package func run(until shutdown: ShutdownSignal) async throws {
        shutdown.onShutdown { [wakes] in wakes.continuation.finish() }
        for await _ in wakes.stream {
            while let workspace = waiting.withLock({ $0.first }), !shutdown.isGiven {
                do {
                    try await withTaskExecutorPreference(loop) { try await self.index(workspace, until: shutdown) }
                } catch {
                    // The next search that has to read many rows requests it again.
                    logger.warning("feed not indexed", [.workspaceID: .uuid(workspace), .error: .string("\(error)")])
                }
                waiting.withLock { _ = $0.removeFirst() }
            }
        }
    }

    /// Builds the missing filters of all blocks that are old enough.
    func index(_ workspace: UUID, until shutdown: ShutdownSignal? = nil) async throws {
        var last: ActivityRange?
        while let block = try await blocks.next(workspace, age: age) {
            // The same block again: the workspace has been removed, and the filter was not stored.
            if shutdown?.isGiven == true || block == last { return }
            last = block
            try await blocks.add(block, try await filter(of: block, workspace), of: workspace)
        }
    }

    private func filter(of block: ActivityRange, _ workspace: UUID) async throws -> [UInt8] {
        var (filter, scratch) = (GramFilter(), SearchText.Scratch())
        var query = ActivityQuery(before: block.upper, from: block.lower, limit: BlockStore.rows)
        while true {
            let (rows, next) = try await store.rows(workspace, query, bytes: Self.readBytes)
            try rows.forEach { FeedStore.add($0, to: &filter, scratch: &scratch) }
            guard let next else { return filter.bytes }
            query.before = next
            // Lets searches run.
            await Task.yield()
        }
    }
}
