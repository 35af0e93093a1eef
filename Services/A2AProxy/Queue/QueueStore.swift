import Postgres

/// The statements about queue items; each transition of an item's life is one of them.
package struct QueueStore: Sendable {
    let postgres: PostgresPool
    /// The `source` of the events that the statements write.
    let source: String

    package init(postgres: PostgresPool, source: String) {
        self.postgres = postgres
        self.source = source
    }
}
