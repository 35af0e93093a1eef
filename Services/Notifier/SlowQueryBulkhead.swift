import Authentication
import Contracts
import HTTPCore
import Observability
import PlatformInternals
import Postgres
import ServiceLifecycle
import UVHTTPServer
import UVLoop

/// Runs queries whose cost grows with the length of a feed, not of a page, on a thread and on connections of their own:
/// a bulkhead, so that they do not slow down other feeds and streams.
struct SlowQueryBulkhead: GracefulService {
    /// Concurrent queries, each with a connection.
    private static let limit = 4
    /// Concurrent queries of one workspace; an operator leaves one for others.
    private static let limitOfWorkspace = 2

    let name = "slow-queries"
    /// The feed's store, with these connections.
    let store: FeedStore
    /// The loop of the connections.
    let loop: EventLoop
    private let pool: PostgresPool
    private let queueTimeout: Duration
    private let quota = CallerQuota(total: limit) { caller in
        caller.isWorkspace ? limitOfWorkspace : limit - 1
    }

    /// - Parameters:
    ///   - databaseURL: that of the service's own pool, which logs when the database is not available.
    ///   - applicationName: the name in the server's list of sessions.
    ///   - queueTimeout: how long a query waits for a free slot.
    init(
        databaseURL: String, applicationName: String, metrics: MetricsRegistry, queueTimeout: Duration = .seconds(5)
    ) {
        self.queueTimeout = queueTimeout
        let group = EventLoopGroup(count: 1)
        loop = group.loops[0]
        pool = PostgresPool(
            url: databaseURL, group: group,
            configuration: PostgresConfiguration(
                // One more for the feed indexer.
                connectionsPerLoop: 1, exclusiveConnectionsPerLoop: Self.limit + 1, applicationName: applicationName),
            metrics: metrics)
        store = FeedStore(postgres: pool)
    }

    /// Runs a query, once a slot is free.
    ///
    /// - Throws: `APIError` 429 when the caller's limit is reached, 503 when all slots are taken, or when it timed out.
    func run<Value: Sendable>(
        for request: Request, _ query: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let slot: Reservation
        do {
            slot = try await quota.take(1, for: request.caller, within: queueTimeout, on: request.loop)
        } catch {
            throw error.apiError(ErrorMessage.tooManySearches)
        }
        defer { withExtendedLifetime(slot) {} }
        do {
            return try await withTaskExecutorPreference(loop, operation: query)
        } catch let error as PostgresError where error.kind == .deadline {
            throw APIError(.serviceUnavailable, ErrorMessage.searchTooLong, retryAfter: 5, detail: "\(error)")
        }
    }

    package func run(until shutdown: ShutdownSignal) async throws {
        await shutdown.wait()
        await close()
    }

    func close() async {
        await pool.close()
    }
}
