import Concurrency
import UVLoop

extension PostgresError {
    /// Postgres rolled a transaction back because of another one: a deadlock (40P01) or a serialization failure
    /// (40001). A retry can succeed.
    package var isConflict: Bool { kind == .server && (sqlState == "40P01" || sqlState == "40001") }
}

extension PostgresPool {
    private static let conflictAttempts = 5
    private static let longestConflictPause: Duration = .milliseconds(100)

    /// Retries a transaction that conflicted with others: five attempts at most, with jittered back-off, so that the
    /// same transactions do not collide again. Every way to run a statement goes through this; callers need no retry of
    /// it.
    ///
    /// - Parameter body: must have no effect outside the transaction that it runs.
    /// - Throws: what `body` throws, the conflict of its last attempt included.
    func retryingConflicts<T: Sendable, Failure: Error>(
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

    /// Up to 10 ms, 20 ms ... A cancelled task retries without the pause.
    private func pause(afterAttempt attempt: Int) async {
        let backoff = Backoff(initial: .milliseconds(10), maximum: Self.longestConflictPause, jitter: 1)
        try? await anyLoop.sleep(for: backoff.delay(attempt: attempt - 1, unit: .random(in: 0...1)))
    }
}
