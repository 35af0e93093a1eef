import Concurrency

/// How a pool uses the database. Counts are for each event loop.
package struct PostgresConfiguration: Sendable {
    /// Connections that queries share, pipelined.
    package var connectionsPerLoop = 2
    /// Connections shared by queries that wait for locks, see ``LockWait``; opened when first needed.
    package var lockingConnectionsPerLoop = 2
    /// Connections for transactions, streams and copies, opened when first needed.
    package var exclusiveConnectionsPerLoop = 2
    /// Calls that may be in flight on one shared connection; more wait.
    package var inFlightLimit = 2048
    /// Calls that may wait for a connection, beyond which a call fails at once.
    package var waitingLimit = 16_384
    /// Transactions that may wait for a connection of their own.
    package var exclusiveWaitingLimit = 1024
    /// How long a call waits while there is no connection at all before it fails as unavailable.
    package var unavailableAfter: Duration = .seconds(1)
    /// How long a call waits for its result, unless it has a deadline of its own.
    package var deadline: Duration = .seconds(5)
    /// The same for a transaction with all its statements.
    package var transactionDeadline: Duration = .seconds(10)
    /// How long a query on a shared connection waits for a lock, and the calls pipelined behind it with it.
    package var lockTimeout: Duration = .milliseconds(500)
    /// How long one attempt to connect may take, including name resolution.
    package var connectTimeout: Duration = .seconds(5)
    /// How long a server may continue a cancelled statement before the connection is closed.
    package var cancelGrace: Duration = .seconds(2)
    /// The back-off before the second attempt to connect; it doubles with each further one, with jitter.
    package var firstBackoff: Duration = .milliseconds(50)
    package var maximalBackoff: Duration = .seconds(2)
    /// How long ``PostgresPool/close()`` waits for calls in flight.
    package var closeGrace: Duration = .seconds(5)
    /// Shown in the server's `pg_stat_activity`.
    package var applicationName = "switchyard"

    package init() {}

    package init(connectionsPerLoop: Int, exclusiveConnectionsPerLoop: Int = 2, applicationName: String = "switchyard")
    {
        self.connectionsPerLoop = max(1, connectionsPerLoop)
        lockingConnectionsPerLoop = self.connectionsPerLoop
        self.exclusiveConnectionsPerLoop = max(1, exclusiveConnectionsPerLoop)
        self.applicationName = applicationName
    }
}

extension PostgresConfiguration {
    /// How long to wait before connecting again: half of it is chance, so that clients spread out.
    func pause(after failures: Int) -> Duration {
        Backoff(initial: firstBackoff, maximum: maximalBackoff, jitter: 0.5)
            .delay(attempt: failures, unit: .random(in: 0...1))
    }
}
