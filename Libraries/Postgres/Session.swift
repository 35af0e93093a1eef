import UVLoop

/// A connection lent for a sequence of statements, such as a migration; valid inside the closure it is passed to.
package struct Session: Sendable {
    fileprivate let connection: LoopBound<PostgresConnection>

    /// Runs one or more statements, separated by semicolons.
    ///
    /// - Returns: the rows of each statement that was reached.
    @discardableResult
    package func simple(_ sql: String) async throws(PostgresError) -> [PostgresRows] {
        try await SimpleQuerySession.run(sql, on: connection).get()
    }

    /// Copies rows into a table.
    ///
    /// - Parameters:
    ///   - sql: a `COPY ... FROM STDIN`.
    ///   - data: in the format that the statement names, split anywhere.
    /// - Returns: how many rows were copied; all or none.
    @discardableResult
    package func copyIn(_ sql: String, _ data: [[UInt8]]) async throws(PostgresError) -> Int {
        try await SimpleQuerySession.run(sql, data: data, on: connection).get().last?.affected ?? 0
    }
}

extension PostgresPool {
    /// Lends a connection outside pipeline mode. The closure must end its transactions, unless it throws.
    ///
    /// - Parameter deadline: for the whole closure; after it the connection is closed.
    package func withSession<T: Sendable>(
        deadline: Duration, _ body: (Session) async throws -> T
    ) async throws -> T {
        let lease = try await lease(limit: deadline)
        do {
            let value = try await body(Session(connection: lease.connection))
            lease.end()
            return value
        } catch {
            lease.end(discarding: true)
            throw error
        }
    }

    /// Copies rows into a table: the fastest way to add many.
    ///
    /// - Parameters:
    ///   - sql: a `COPY ... FROM STDIN`.
    ///   - data: in the format that the statement names, see ``BinaryRows``; split anywhere.
    /// - Returns: how many rows were copied; all or none.
    @discardableResult
    package func copyIn(_ sql: String, _ data: [[UInt8]], deadline: Duration = .seconds(10)) async throws -> Int {
        try await withSession(deadline: deadline) { try await $0.copyIn(sql, data) }
    }
}
