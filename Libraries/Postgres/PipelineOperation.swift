import Concurrency
import CUV

/// Calls that share one Sync message: they take effect together or not at all. Loop thread only.
final class PipelineOperation {
    typealias QueryResult = Result<[PostgresRows], PostgresError>
    /// The caller, who waits for the result.
    typealias Completion = UnsafeContinuation<QueryResult, Never>

    /// What it means when the result is lost.
    enum Role: Sendable {
        /// A transaction of its own: it may have been committed.
        case alone
        /// Part of an explicit transaction: it had no effect, and cannot be repeated on its own.
        case inTransaction
        /// The end of an explicit transaction: it may have been committed.
        case commit
    }

    let calls: [Call]
    let timeout: Duration
    let role: Role
    /// In the loop's milliseconds; set when it is submitted.
    var deadline: UInt64 = 0
    var submitted: UInt64 = 0
    var startedNanoseconds: UInt64 = 0
    /// Statements that are prepared ahead of the calls, up to a Sync of their own.
    var preparing: [PreparedStatement] = []
    /// Whether the result of that Sync is still pending.
    var isPreparing = false
    /// The prepared statements the calls use, nil for unprepared ones.
    var used: [PreparedStatement?] = []
    /// How many results of the prepares and calls have arrived.
    var receivedResults = 0
    var rows: [PostgresRows] = []
    var error: PostgresError?
    /// How often it was resent because of its connection's state.
    var attempts = 0
    private var completion: Completion?

    init(_ calls: [Call], timeout: Duration, role: Role = .alone, _ completion: Completion) {
        self.calls = calls
        self.timeout = timeout
        self.role = role
        self.completion = completion
    }

    /// Whether the caller no longer waits for the result.
    var isCompleted: Bool { completion == nil }

    /// The statement that errors name: the last one of the calls that has a name.
    var statementName: String { calls.last { !$0.statement.name.isEmpty }?.statement.name ?? "control" }

    func begin(now: UInt64) {
        submitted = now
        deadline = now + timeout.milliseconds
        startedNanoseconds = uv_hrtime()
    }

    /// Whether it is resent after a lock timeout: it is a transaction of its own, which had no effect.
    var repeatsLockWait: Bool { role == .alone && !calls.contains { $0.statement.locks == .fail } }

    /// Resets it for another attempt.
    func reset() {
        preparing = []
        isPreparing = false
        used = []
        receivedResults = 0
        rows = []
        error = nil
    }

    func succeed() { finish(.success(rows)) }

    func fail(_ error: PostgresError) {
        var error = error
        if error.statement == nil { error.statement = statementName }
        finish(.failure(error))
    }

    /// Fails because no result will arrive any more.
    func failWithoutResult(_ error: PostgresError) {
        var error = self.error ?? error
        if role == .inTransaction { error.outcome = .notApplied }
        fail(error)
    }

    private func finish(_ result: QueryResult) {
        guard let completion else { return }
        self.completion = nil
        completion.resume(returning: result)
    }
}

/// A statement prepared on one connection. Loop thread only.
final class PreparedStatement {
    let statement: Statement
    /// Its name on the server.
    let serverName: [CChar]
    /// Whether the server has confirmed it.
    var isConfirmed = false
    let latency: StatementLatency?

    init(_ statement: Statement, serverName: String, latency: StatementLatency?) {
        self.statement = statement
        self.serverName = Array(serverName.utf8CString)
        self.latency = latency
    }
}
