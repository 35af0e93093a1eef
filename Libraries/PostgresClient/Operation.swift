import CUV

/// Calls that travel together to one Sync: they take effect together or not at all.
///
/// `@unchecked Sendable`: made by the calling task, which hands it to a loop and does not touch it again; from then on
/// it is confined to that loop's thread.
final class Operation: @unchecked Sendable {
    typealias Answer = Result<[PostgresRows], PostgresError>

    /// What it means when the answer is lost.
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
    /// Whether that Sync has not come back yet.
    var isPreparing = false
    /// The prepared statements the calls use, nil for unprepared ones.
    var used: [PreparedStatement?] = []
    /// How many of the prepares and calls have been answered.
    var answered = 0
    var rows: [PostgresRows] = []
    var error: PostgresError?
    /// How often it was sent again because its connection was not fit for it.
    var attempts = 0
    private var completion: UnsafeContinuation<Answer, Never>?

    init(_ calls: [Call], timeout: Duration, role: Role = .alone) {
        self.calls = calls
        self.timeout = timeout
        self.role = role
    }

    /// Whether nobody waits for the answer any more.
    var isAnswered: Bool { completion == nil }

    /// What the caller of one of several calls is told the statement was.
    var statementName: String { calls.last { !$0.statement.name.isEmpty }?.statement.name ?? "control" }

    /// Waits for the answer; `submit` hands the operation over.
    func answer(_ submit: (Operation) -> Void) async -> Answer {
        await withUnsafeContinuation { continuation in
            completion = continuation
            submit(self)
        }
    }

    func begin(now: UInt64) {
        submitted = now
        deadline = now + timeout.milliseconds
        startedNanoseconds = uv_hrtime()
    }

    /// Whether it is sent again when a lock was not to be had: it is a transaction of its own, which had no effect.
    var repeatsLockWait: Bool { role == .alone && !calls.contains { $0.statement.locks == .brief } }

    /// Makes it ready to be sent again.
    func reset() {
        preparing = []
        isPreparing = false
        used = []
        answered = 0
        rows = []
        error = nil
    }

    func succeed() { finish(.success(rows)) }

    func fail(_ error: PostgresError) {
        var error = error
        if error.statement == nil { error.statement = statementName }
        finish(.failure(error))
    }

    /// Fails because no answer will come any more.
    func failUnanswered(_ error: PostgresError) {
        var error = self.error ?? error
        if role == .inTransaction { error.outcome = .notApplied }
        fail(error)
    }

    private func finish(_ answer: Answer) {
        guard let completion else { return }
        self.completion = nil
        completion.resume(returning: answer)
    }
}

/// A statement as one connection knows it.
///
/// `@unchecked Sendable`: confined to the connection's loop.
final class PreparedStatement: @unchecked Sendable {
    let statement: Statement
    /// The name the server knows it by.
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
