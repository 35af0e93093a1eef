import Concurrency
import Foundation
import Postgres

/// Meets a transaction crosswise: it has what we want next, and waits for what we have. Postgres undoes it, not us.
package enum DeadlockPeer {
    private static let deadlockTimeout = Statement("crossing_deadlock_timeout", "SET LOCAL deadlock_timeout = '60s'")
    private static let waiting = Statement(
        "crossing_waiting",
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database())")

    /// - Parameters:
    ///   - first: locks what the other wants second.
    ///   - second: waits for what the other has locked first.
    ///   - other: what must succeed all the same.
    package static func with<T: Sendable>(
        _ pool: PostgresPool, first: Call, second: Call, _ other: @Sendable @escaping () async throws -> T
    ) async throws -> T {
        let locked = Gate()
        async let crossing: Void = pool.transaction(deadline: .seconds(60)) { transaction in
            defer { locked.open() }
            _ = try await transaction.query([Call(deadlockTimeout), first])
            locked.open()
            try await eventually("the other to wait for our lock") {
                try await pool.query(waiting)[0].bool(0)
            }
            _ = try await transaction.query([second])
        }
        await locked.wait()
        let value = try await other()
        try await crossing
        return value
    }
}
