import Concurrency
import EventOutbox
import JSONBytes
import Postgres

/// The statements of retention: who prunes, and one batch of a table at a time.
package struct RetentionStore: Sendable {
    /// What one batch did, and where it ended; nil when there was nothing.
    package struct Batch: Sendable {
        package var examined: Int
        package var pruned: Int
        package var isLast: Bool
        package var position: [String]?
    }

    /// Of the large columns of one batch: they lie in pieces of 2 KB, each of which is deleted by itself.
    private static let batchBytes = 4 << 20
    private static let batchDeadline: Duration = .seconds(10)
    /// Who was killed keeps the others from pruning for so long. Longer than a table's turn with its last batch.
    package static let lease: Duration = .seconds(60)

    let postgres: PostgresPool
    /// Unique to this process.
    let instance: String

    package init(postgres: PostgresPool, instance: String) {
        self.postgres = postgres
        self.instance = instance
    }

    private static let claim = Statement(
        "retention_claim",
        """
        INSERT INTO platform_state (key, value, updated_at) VALUES ('retention', $1, clock_timestamp())
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at
        WHERE platform_state.value->>'instance' = $2
            OR platform_state.updated_at < clock_timestamp() - make_interval(secs => $3)
        RETURNING true
        """)

    /// Claims all tables for a while, or goes on having them: two instances side by side would be twice the load.
    ///
    /// - Returns: false when another instance has them.
    package func claim() async throws(PostgresError) -> Bool {
        var writer = JSONWriter()
        writer.object { $0.member("instance", instance) }
        let lease = Self.lease.inSeconds
        return try await !postgres.query(Self.claim, [writer.bytes, instance, lease]).isEmpty
    }

    private static let release = Statement(
        "retention_release",
        "UPDATE platform_state SET updated_at = '-infinity' WHERE key = 'retention' AND value->>'instance' = $1")

    /// Lets others claim them.
    package func release() async throws(PostgresError) {
        _ = try await postgres.query(Self.release, [instance])
    }

    /// What looks expensive to the planner, since it may not read tables as a whole, would be compiled: half a second, in
    /// which readers of the log stand still.
    private static let uncompiled = Statement("retention_uncompiled", "SET LOCAL jit = off")
    /// Planned while a table is empty, a sort of everything that is old looks as cheap as the index's order.
    private static let unsorted = Statement("retention_unsorted", "SET LOCAL enable_sort = off")

    /// Nobody waits for the disk: what a crash of the server brings back is pruned again, the floor of the log with it.
    private static let unhurried = Statement("retention_unhurried", "SET LOCAL synchronous_commit = off")

    /// Prunes one batch of a table, in a transaction of its own, on a connection that nobody else's statements share.
    ///
    /// - Parameters:
    ///   - position: what the batch before it gave; nil for the beginning.
    ///   - rows: how many are examined.
    package func prune(_ table: RetentionTable, after position: [String]?, rows: Int) async throws -> Batch {
        let place: [any PostgresEncodable] = position ?? table.beginning
        let ages: [any PostgresEncodable] = table.ages
        let call = Call(table.statement, [rows, Self.batchBytes] + place + ages)
        let results = try await postgres.transaction(deadline: Self.batchDeadline) { transaction in
            try await transaction.query([
                EventRelay.usingIndexes, Call(Self.uncompiled), Call(Self.unsorted), Call(Self.unhurried), call,
            ])
        }
        let parts = table.beginning.count
        return try results[4].only { row in
            Batch(
                examined: row.int(0), pruned: row.int(1), isLast: row.bool(2),
                position: row.isNull(3) ? nil : (3..<3 + parts).map { row.string($0) })
        }
    }
}
