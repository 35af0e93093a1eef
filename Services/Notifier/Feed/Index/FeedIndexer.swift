import EventLoop
import Foundation
import Observability
import PostgresClient
import ServiceLifecycle
import Synchronization

/// Makes the filters of a feed's pieces once somebody has searched it and had to read much: feeds that nobody searches
/// cost nothing, and storing a row costs nothing more.
final class FeedIndexer: GracefulService {
    /// Workspaces that wait; beyond it a search asks again the next time.
    private static let waitingLimit = 1000
    /// Bytes of rows that are read at a time.
    private static let pieceBytes = 2 << 20

    let name = "feed-indexer"
    private let store: ActivityStore
    private let blocks: BlockStore
    private let loop: EventLoop
    private let logger: Logger
    private let age: Duration
    private let waiting = Mutex<[UUID]>([])
    private let wakes = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))

    /// - Parameters:
    ///   - slow: whose connections and thread it shares with searches.
    ///   - age: of the rows that are taken in, at least; longer than a proxy keeps a row that it could not write.
    init(_ slow: SlowQueries, logger: Logger, age: Duration = .seconds(3600)) {
        store = slow.store
        blocks = BlockStore(postgres: slow.store.postgres)
        loop = slow.loop
        self.logger = logger
        self.age = age
    }

    /// A search of this workspace had much to read that has no filter.
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
                    // The next search that has much to read asks again.
                    logger.warning("feed not indexed", [.workspaceID: .uuid(workspace), .error: .string("\(error)")])
                }
                waiting.withLock { _ = $0.removeFirst() }
            }
        }
    }

    /// Makes the filters of what has none and is old enough.
    func index(_ workspace: UUID, until shutdown: ShutdownSignal? = nil) async throws {
        var last: ActivityRange?
        while let piece = try await blocks.next(workspace, age: age) {
            // The same again: the workspace is gone, and nothing is kept of it.
            if shutdown?.isGiven == true || piece == last { return }
            last = piece
            try await blocks.add(piece, try await filter(of: piece, workspace), of: workspace)
        }
    }

    private func filter(of piece: ActivityRange, _ workspace: UUID) async throws -> [UInt8] {
        var (filter, scratch) = (GramFilter(), SearchText.Scratch())
        var query = ActivityQuery(before: piece.upper, from: piece.lower, limit: BlockStore.rows)
        while true {
            let (rows, next) = try await store.rows(workspace, query, bytes: Self.pieceBytes)
            try rows.forEach { ActivityStore.add($0, to: &filter, scratch: &scratch) }
            guard let next else { return filter.bytes }
            query.before = next
            // Searches have their turn.
            await Task.yield()
        }
    }
}
