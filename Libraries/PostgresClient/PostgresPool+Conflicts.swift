import EventLoop

extension PostgresError {
    /// Postgres undid a transaction because of another one: they waited for each other (40P01), or one has seen what the
    /// other changed (40001). Nothing is wrong with either: made again it succeeds.
    package var isConflict: Bool { kind == .server && (sqlState == "40P01" || sqlState == "40001") }
}

extension PostgresPool {
    private static let conflictAttempts = 5
    private static let longestConflictPause: Duration = .milliseconds(100)

    /// Runs a transaction again that conflicted with others: five times at most, after a short random pause, so that
    /// those who met do not meet again. Every way to run a statement does so; nobody else needs to.
    ///
    /// - Parameter body: has no effect but through the transaction that it makes.
    /// - Throws: what `body` throws, the conflict of its last try included.
    func repeatingConflicts<T: Sendable, Failure: Error>(
        _ body: () async throws(Failure) -> T
    ) async throws(Failure) -> T {
        for attempt in 1..<Self.conflictAttempts {
            do throws(Failure) {
                return try await body()
            } catch {
                guard let conflict = error as? PostgresError, conflict.isConflict else { throw error }
                await pause(afterAttempt: attempt)
            }
        }
        return try await body()
    }

    /// Up to 10 ms, 20 ms ... Whoever is cancelled does not wait: its next statement says so.
    private func pause(afterAttempt attempt: Int) async {
        let longest = min(.milliseconds(10) * (1 << (attempt - 1)), Self.longestConflictPause)
        try? await anyLoop.sleep(for: longest * Double.random(in: 0...1))
    }
}
