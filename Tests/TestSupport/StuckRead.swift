import Postgres

/// Whether the calls of others go on while reads are stuck, as slow ones would be: as many as there are connections, since
/// a call takes the one that has the least to do.
///
/// - Parameters:
///   - pool: that waits for locks.
///   - table: one that `read` reads, and that is locked meanwhile.
package func othersGoOn(
    _ pool: PostgresPool, whileReading table: String, _ read: @escaping @Sendable () async throws -> Void
) async throws -> Bool {
    let (reading, goOn) = try await pool.transaction { transaction in
        _ = try await transaction.query(Statement("", "LOCK TABLE \(table) IN ACCESS EXCLUSIVE MODE"))
        let reading = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<16 { group.addTask { try await read() } }
                try await group.waitForAll()
            }
        }
        // Of the connections that transactions have, this one has one.
        try await eventually("reads to be stuck") {
            try await transaction.query(
                Statement("", "SELECT FROM pg_locks WHERE NOT granted AND relation = '\(table)'::regclass")
            ).count >= 3
        }
        let goOn = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<64 {
                group.addTask { (try? await pool.ping(deadline: .seconds(20))) != nil }
            }
            return await group.allSatisfy { $0 }
        }
        return (reading, goOn)
    }
    try await reading.value
    return goOn
}
