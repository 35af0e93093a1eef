import Authentication
import Contracts
import EventLoop
import HTTPCore
import HTTPServer
import Observability
import PostgresClient
import ServiceLifecycle

/// Where queries run whose cost grows with the length of a feed and not with that of a page: on a thread and on
/// connections of their own, so that however many there are, the feeds and streams of others go on.
struct SlowQueries: GracefulService {
    /// At once, each with a connection.
    private static let limit = 4
    /// At once, of one workspace; the operators' tools leave one for others.
    private static let limitOfWorkspace = 2

    let name = "slow-queries"
    /// The feed, by way of these connections.
    let store: ActivityStore
    /// Their thread.
    let loop: EventLoop
    private let pool: PostgresPool
    private let patience: Duration
    private let quota = CallerQuota(total: limit) { caller in
        caller.isWorkspace ? limitOfWorkspace : limit - 1
    }

    /// - Parameters:
    ///   - databaseURL: that of the service's own pool, which logs when the database is away.
    ///   - applicationName: what the server's list of sessions shows.
    ///   - patience: how long a query waits for its turn.
    init(
        databaseURL: String, applicationName: String, metrics: MetricsRegistry, patience: Duration = .seconds(5)
    ) {
        self.patience = patience
        let group = EventLoopGroup(count: 1)
        loop = group.loops[0]
        pool = PostgresPool(
            url: databaseURL, group: group,
            configuration: PostgresConfiguration(
                // One more for the feed's index.
                connectionsPerLoop: 1, exclusiveConnectionsPerLoop: Self.limit + 1, applicationName: applicationName),
            metrics: metrics)
        store = ActivityStore(postgres: pool)
    }

    /// Runs a query in its turn.
    ///
    /// - Throws: `APIError` 429 when the caller has enough of them running, 503 when everyone has, or when it took too
    ///   long.
    func run<Value: Sendable>(
        for request: Request, _ query: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let place: Reservation
        do {
            place = try await quota.take(1, for: request.caller, within: patience, on: request.loop)
        } catch {
            throw error.apiError(Sentence.tooManySearches)
        }
        defer { withExtendedLifetime(place) {} }
        do {
            return try await withTaskExecutorPreference(loop, operation: query)
        } catch let error as PostgresError where error.kind == .deadline {
            throw APIError(.serviceUnavailable, Sentence.searchTooLong, retryAfter: 5, detail: "\(error)")
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
