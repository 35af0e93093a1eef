import Synchronization
import UVLoop

/// A transaction's isolation level.
package enum TransactionIsolation: String, Sendable {
    case readCommitted = "READ COMMITTED"
    case repeatableRead = "REPEATABLE READ"
    case serializable = "SERIALIZABLE"
}

/// An open transaction; valid inside the closure it was given to, which awaits one call after the other.
package final class Transaction: Sendable {
    private let connection: LoopBound<PostgresConnection>
    private let clock = ContinuousClock()
    private let end: ContinuousClock.Instant
    private let beginSQL: String
    private let hasBegun = Atomic(false)
    private let isFinished = Atomic(false)

    init(
        _ connection: LoopBound<PostgresConnection>, deadline: Duration, isolation: TransactionIsolation, readOnly: Bool
    ) {
        self.connection = connection
        end = clock.now + deadline
        beginSQL = "BEGIN ISOLATION LEVEL \(isolation.rawValue)" + (readOnly ? " READ ONLY" : "")
    }

    /// Runs a statement inside the transaction.
    package func query(
        _ statement: Statement, _ parameters: [any PostgresEncodable] = []
    ) async throws(PostgresError) -> PostgresRows {
        try await query([Call(statement, parameters)])[0]
    }

    /// Runs several statements inside the transaction in one round trip.
    package func query(_ calls: [Call]) async throws(PostgresError) -> [PostgresRows] {
        if isFinished.load(ordering: .relaxed) { throw PostgresError(.closed, "the transaction is over") }
        for call in calls { try call.check() }
        let isBegun = hasBegun.exchange(true, ordering: .relaxed)
        if isBegun { return try await send(calls, role: .inTransaction) }
        // BEGIN is pipelined with the first statement, which is skipped if BEGIN fails.
        let results = try await send([Call(.unprepared(beginSQL))] + calls, role: .inTransaction)
        return Array(results.dropFirst())
    }

    func commit() async throws(PostgresError) {
        isFinished.store(true, ordering: .relaxed)
        guard hasBegun.load(ordering: .relaxed) else { return }
        let results = try await send([Call(.unprepared("COMMIT"))], role: .commit)
        // A transaction in which a statement failed is rolled back by its COMMIT, without an error.
        guard results[0].commandTag == "COMMIT" else {
            throw PostgresError(.server, "a statement of it had failed", sqlState: SQLState.failedTransaction)
        }
    }

    func rollback() async throws(PostgresError) {
        isFinished.store(true, ordering: .relaxed)
        guard hasBegun.load(ordering: .relaxed) else { return }
        _ = try await send([Call(.unprepared("ROLLBACK"))], role: .inTransaction)
    }

    private func send(_ calls: [Call], role: PipelineOperation.Role) async throws(PostgresError) -> [PostgresRows] {
        let left = end - clock.now
        guard left > .zero else { throw PostgresError(.deadline, "the transaction ran out of time") }
        let result = await withUnsafeContinuation { continuation in
            connection.loop.execute { [connection] in
                connection.value.run(calls, timeout: left, role: role, continuation)
            }
        }
        return try result.get()
    }
}

extension PostgresPool {
    /// Runs a closure inside a transaction on a connection of its own: committed when it returns, rolled back when it
    /// throws. One that Postgres rolled back because of a conflict is retried a few times; nothing else is.
    ///
    /// - Parameters:
    ///   - deadline: for each attempt, including the wait for a connection, by default as configured; after it the
    ///     connection is closed, which rolls the transaction back. An error at the commit may leave the outcome
    ///     unknown, and says so.
    ///   - body: may run more than once, so it must have no effects that matter outside the transaction.
    package func transaction<T: Sendable>(
        deadline: Duration? = nil, isolation: TransactionIsolation = .readCommitted, readOnly: Bool = false,
        _ body: (Transaction) async throws -> T
    ) async throws -> T {
        try await retryingConflicts {
            try await runOnce(deadline: deadline, isolation: isolation, readOnly: readOnly, body)
        }
    }

    private func runOnce<T: Sendable>(
        deadline: Duration?, isolation: TransactionIsolation, readOnly: Bool,
        _ body: (Transaction) async throws -> T
    ) async throws -> T {
        let lease = try await lease(limit: deadline ?? configuration.transactionDeadline)
        let transaction = Transaction(lease.connection, deadline: lease.left, isolation: isolation, readOnly: readOnly)
        do {
            let value = try await body(transaction)
            try await transaction.commit()
            lease.end()
            return value
        } catch {
            try? await transaction.rollback()
            let isBroken = (error as? PostgresError).map { $0.kind != .server } ?? false
            lease.end(discarding: isBroken)
            throw error
        }
    }

    /// Lends a connection of the caller's loop. The caller must end the lease.
    func lease(limit: Duration) async throws(PostgresError) -> ConnectionLease {
        let shard = shard
        let clock = ContinuousClock()
        let end = clock.now + limit
        let acquired = await withUnsafeContinuation { continuation in
            shard.loop.execute { shard.value.exclusive.acquire(limit: limit, continuation) }
        }
        return ConnectionLease(connection: try acquired.get(), left: end - clock.now, shard: shard)
    }
}

/// A connection lent to one user.
struct ConnectionLease: Sendable {
    let connection: LoopBound<PostgresConnection>
    /// The remaining time for which it may be used.
    let left: Duration
    fileprivate let shard: LoopBound<PoolShard>

    /// Returns the connection.
    ///
    /// - Parameter discarding: whether it is closed rather than used again.
    func end(discarding: Bool = false) {
        shard.loop.execute { [connection, shard] in
            let owner = shard.value.exclusive
            discarding ? owner.discard(connection.value) : owner.release(connection.value)
        }
    }
}
