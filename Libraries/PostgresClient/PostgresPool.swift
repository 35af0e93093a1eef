import EventLoop
import Observability

/// Connections to one Postgres, a few on each event loop, which all calls share.
///
/// A call made on a loop stays there. Calls are pipelined: each is a transaction of its own, and neither waits for the
/// answers of those before it. Nothing is retried that might have had an effect; what Postgres undid because of another
/// transaction is made again, a few times. Without the database every call fails as
/// ``PostgresError/Kind/unavailable`` after about a second, and the pool reconnects by itself.
package final class PostgresPool: Sendable {
    private let group: EventLoopGroup
    private let shards: [PoolShard]
    /// For calls that wait for locks: nobody else's stand behind them.
    private let lockingShards: [PoolShard]
    private let health: PoolHealth
    let configuration: PostgresConfiguration
    let listener: Listener

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
        let open = Opener(
            target: target, configuration: configuration, metrics: metrics.map { PostgresMetrics($0) })
        let health = PoolHealth(logger: logger)
        self.health = health
        listener = Listener(loop: group.loops[0], open: open, configuration: configuration)
        shards = group.loops.map {
            PoolShard(loop: $0, open: open, configuration: configuration, health: health)
        }
        var locking = configuration
        locking.connectionsPerLoop = configuration.lockingConnectionsPerLoop
        // Of a health of their own: whether the database is there is told by the others.
        let lockingHealth = PoolHealth(logger: .disabled)
        lockingShards = group.loops.map {
            PoolShard(loop: $0, open: open, configuration: locking, health: lockingHealth)
        }
        for shard in shards { shard.loop.execute { shard.start() } }
    }

    /// A pool that is dropped without being closed lets go of its sockets on their loops all the same: closed anywhere
    /// else, they would vanish under the loop that watches them.
    deinit {
        for shard in shards + lockingShards { shard.loop.execute { shard.closeNow() } }
        listener.loop.execute { [listener] in listener.close() }
    }

    /// Whether there is a connection.
    package var isReady: Bool { health.isReady }

    /// Keeps the pool until the task is cancelled, then closes it.
    package func run() async {
        await Cancellation.wait()
        await close()
    }

    /// Accepts no more calls, waits a few seconds for those under way, and closes the connections.
    package func close() async {
        listener.loop.execute { [listener] in listener.close() }
        for shard in shards + lockingShards {
            await withCheckedContinuation { continuation in
                shard.loop.execute { shard.close { continuation.resume() } }
            }
        }
    }

    // MARK: - Calls

    /// Runs one statement in a transaction of its own.
    ///
    /// - Parameter deadline: the time the caller waits, by default as configured; after it the outcome is unknown, unless
    ///   the error says otherwise.
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
        return try await repeatingConflicts { () async throws(PostgresError) in
            try await runOnce(calls, deadline: deadline)
        }
    }

    private func runOnce(_ calls: [Call], deadline: Duration?) async throws(PostgresError) -> [PostgresRows] {
        let shard = Self.own(calls.contains { $0.statement.locks != .none } ? lockingShards : shards, group.any())
        let answer = await Operation(calls, timeout: deadline ?? configuration.deadline).answer { operation in
            if shard.loop.inLoop { shard.submit(operation) } else { shard.loop.execute { shard.submit(operation) } }
        }
        return try answer.get()
    }

    /// Asks the server for a sign of life.
    package func ping(deadline: Duration = .seconds(2)) async throws(PostgresError) {
        _ = try await query(Statement("ping", "SELECT 1"), deadline: deadline)
    }

    /// The caller's loop, or one of the loops in turn.
    package var anyLoop: EventLoop { group.any() }

    /// The part of the pool on the caller's loop, or on one of the loops in turn.
    var shard: PoolShard { Self.own(shards, group.any()) }

    private static func own(_ shards: [PoolShard], _ loop: EventLoop) -> PoolShard {
        for shard in shards where shard.loop === loop { return shard }
        return shards[0]
    }
}

extension Call {
    /// - Throws: what the server would say, or could not even be told.
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
