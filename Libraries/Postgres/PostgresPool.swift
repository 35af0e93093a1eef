import Concurrency
import Observability
import UVLoop

/// Connections to one Postgres, a few on each event loop, which all calls share.
///
/// A call made on a loop stays there. Calls are pipelined: each is a transaction of its own, and none waits for the
/// results of earlier ones. A call that may have taken effect is never retried; a transaction that Postgres rolled back
/// because of a conflict is, a few times. Without the database every call fails as
/// ``PostgresError/Kind/unavailable`` after about a second, and the pool reconnects by itself.
package final class PostgresPool: Sendable {
    private let group: EventLoopGroup
    private let shards: [LoopBound<PoolShard>]
    /// For calls that wait for locks, so that no other calls queue behind them.
    private let lockingShards: [LoopBound<PoolShard>]
    private let health: PoolHealth
    let configuration: PostgresConfiguration

    /// Makes a pool, which begins to connect at once.
    ///
    /// - Parameter url: as libpq takes it; several hosts with `target_session_attrs=read-write` follow a failover.
    package init(
        url: String, group: EventLoopGroup, configuration: PostgresConfiguration = PostgresConfiguration(),
        logger: Logger = .disabled, metrics: MetricsRegistry? = nil
    ) {
        self.group = group
        self.configuration = configuration
        let target = Result { () throws(PostgresError) in
            try ConnectionTarget(url: url, applicationName: configuration.applicationName)
        }
        let open = ConnectionFactory(
            target: target, configuration: configuration, metrics: metrics.map { PostgresMetrics($0) })
        let health = PoolHealth(logger: logger)
        self.health = health
        shards = group.loops.map { loop in
            LoopBound(
                handing: PoolShard(loop: loop, open: open, configuration: configuration, health: health), to: loop)
        }
        var locking = configuration
        locking.connectionsPerLoop = configuration.lockingConnectionsPerLoop
        // With a health of their own: readiness is that of the other shards.
        let lockingHealth = PoolHealth(logger: .disabled)
        lockingShards = group.loops.map { loop in
            LoopBound(
                handing: PoolShard(loop: loop, open: open, configuration: locking, health: lockingHealth), to: loop)
        }
        for shard in shards { shard.loop.execute { shard.value.start() } }
    }

    /// A pool that is released without ``close()`` still closes its sockets on their loops: on any other thread, a
    /// descriptor would be closed while its loop polls it.
    deinit {
        for shard in shards + lockingShards { shard.loop.execute { shard.value.closeNow() } }
    }

    /// Whether at least one connection is open.
    package var isReady: Bool { health.isReady }

    /// Keeps the pool until the task is cancelled, then closes it.
    package func run() async {
        await Cancellation.wait()
        await close()
    }

    /// Accepts no more calls, waits a few seconds for those in flight, and closes the connections.
    package func close() async {
        for shard in shards + lockingShards {
            await withCheckedContinuation { continuation in
                shard.loop.execute { shard.value.close { continuation.resume() } }
            }
        }
    }

    // MARK: - Calls

    /// Runs one statement in a transaction of its own.
    ///
    /// - Parameter deadline: how long the caller waits, by default as configured; after it the outcome is unknown,
    ///   unless the error says otherwise.
    package func query(
        _ statement: Statement, _ parameters: [any PostgresEncodable] = [], deadline: Duration? = nil
    ) async throws(PostgresError) -> PostgresRows {
        try await atomically([Call(statement, parameters)], deadline: deadline)[0]
    }

    /// Runs several statements in one transaction and one round trip.
    ///
    /// - Returns: the rows of each.
    /// - Throws: the error of the first one that failed; none has had an effect then.
    package func atomically(
        _ calls: [Call], deadline: Duration? = nil
    ) async throws(PostgresError) -> [PostgresRows] {
        if calls.isEmpty { return [] }
        for call in calls { try call.check() }
        return try await retryingConflicts { () async throws(PostgresError) in
            try await runOnce(calls, deadline: deadline)
        }
    }

    private func runOnce(_ calls: [Call], deadline: Duration?) async throws(PostgresError) -> [PostgresRows] {
        let takesLocks = calls.contains { $0.statement.locks != .none }
        let shard = Self.localShard(takesLocks ? lockingShards : shards, group.any())
        let timeout = deadline ?? configuration.deadline
        let result = await withUnsafeContinuation { continuation in
            if shard.loop.inLoop { return shard.value.submit(calls, timeout: timeout, continuation) }
            shard.loop.execute { shard.value.submit(calls, timeout: timeout, continuation) }
        }
        return try result.get()
    }

    /// Checks that the server responds.
    package func ping(deadline: Duration = .seconds(2)) async throws(PostgresError) {
        _ = try await query(Statement("ping", "SELECT 1"), deadline: deadline)
    }

    /// The caller's loop, or another one, round-robin.
    package var anyLoop: EventLoop { group.any() }

    /// The part of the pool on the caller's loop, or on another one, round-robin.
    var shard: LoopBound<PoolShard> { Self.localShard(shards, group.any()) }

    private static func localShard(_ shards: [LoopBound<PoolShard>], _ loop: EventLoop) -> LoopBound<PoolShard> {
        for shard in shards where shard.loop === loop { return shard }
        return shards[0]
    }
}

extension Call {
    /// - Throws: for parameters that the server would reject, or that cannot be sent.
    func check() throws(PostgresError) {
        var error: PostgresError?
        if parameters.containsNUL {
            error = PostgresError(.server, "a parameter contains a NUL character", sqlState: SQLState.invalidText)
        } else if parameters.count > EncodedParameters.limit {
            error = PostgresError(.server, "\(parameters.count) parameters", sqlState: "54023")
        }
        guard var error else { return }
        error.statement = statement.name
        throw error
    }
}
