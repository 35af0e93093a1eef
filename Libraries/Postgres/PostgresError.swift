import CPQ

/// Why a query failed.
package struct PostgresError: Error, Sendable, CustomStringConvertible {
    package enum Kind: Sendable, Hashable {
        /// The database cannot be reached, is starting or stopping, or is out of resources: respond with 503.
        case unavailable
        /// The query's deadline passed.
        case deadline
        /// The database refused the statement; see ``PostgresError/sqlState``.
        case server
        /// The pool is closed.
        case closed
    }

    /// Whether the statement took effect.
    package enum Outcome: Sendable, Hashable {
        /// It had no effect: never sent, or rolled back.
        case notApplied
        /// It was sent and no result arrived: it may have been committed.
        case unknown
    }

    package let kind: Kind
    package internal(set) var outcome: Outcome
    /// The server's SQLSTATE code, five characters.
    package let sqlState: String?
    /// The constraint that was violated.
    package let constraint: String?
    /// The name of the statement.
    package internal(set) var statement: String?
    /// For the log only: it may quote values.
    package let message: String

    init(
        _ kind: Kind, _ message: String, outcome: Outcome = .notApplied, sqlState: String? = nil,
        constraint: String? = nil
    ) {
        self.kind = kind
        self.outcome = outcome
        self.sqlState = sqlState
        self.constraint = constraint
        self.message = message
    }

    /// Whether a retry of the same call may succeed and the call had no effect: a conflict between transactions, a lock
    /// timeout, or a database that was not reached.
    package var isRetryable: Bool {
        switch kind {
        case .server: sqlState == "40001" || sqlState == "40P01" || sqlState == "55P03"
        case .unavailable: outcome == .notApplied
        case .deadline, .closed: false
        }
    }

    /// Whether a unique constraint was violated; with a name, that one.
    package func isUniqueViolation(of constraint: String? = nil) -> Bool {
        sqlState == "23505" && (constraint == nil || constraint == self.constraint)
    }

    /// A lock was not acquired within the lock timeout of a shared connection; see ``LockWait/brief``.
    package var isLockTimeout: Bool { sqlState == SQLState.lockNotAvailable }

    package var description: String {
        let parts = [statement.map { "statement \($0)" }, sqlState.map { "SQLSTATE \($0)" }, message].compactMap { $0 }
        let unknown = outcome == .unknown ? " (outcome unknown)" : ""
        return "postgres \(kind): \(parts.joined(separator: ": "))\(unknown)"
    }
}

extension PostgresError {
    static func lost(_ message: String) -> PostgresError { PostgresError(.unavailable, message, outcome: .unknown) }

    /// Reads the error out of a failed result.
    init(result: OpaquePointer) {
        func field(_ code: Int32) -> String? { PQresultErrorField(result, code).map { String(cString: $0) } }
        let state = field(switchyard_pq_sqlstate)
        let severity = field(switchyard_pq_severity)
        // The connection was lost during the statement: libpq makes such a result itself, without a SQLSTATE.
        let isFatal = state == nil || severity == "FATAL" || severity == "PANIC"
        let parts = [switchyard_pq_message, switchyard_pq_detail, switchyard_pq_context].compactMap(field)
        let text = parts.isEmpty ? String(cString: PQresultErrorMessage(result)) : parts.joined(separator: "; ")
        self.init(
            isFatal || SQLState.meansUnavailable(state) ? .unavailable : .server, text,
            outcome: isFatal ? .unknown : .notApplied, sqlState: state, constraint: field(switchyard_pq_constraint))
    }
}

/// The SQLSTATE codes that this client acts on (appendix "PostgreSQL Error Codes").
enum SQLState {
    static let queryCancelled = "57014"
    static let unknownStatement = "26000"
    static let featureNotSupported = "0A000"
    static let failedTransaction = "25P02"
    static let invalidText = "22021"
    static let lockNotAvailable = "55P03"

    /// Codes about the state of the server, not about the statement.
    static func meansUnavailable(_ state: String?) -> Bool {
        guard let state else { return true }
        switch state {
        case "57P01", "57P02", "57P03", "57P05": return true  // stopping, crashed, starting, idle session cut
        case "25006": return true  // read-only: this became a standby
        case "58000", "58030": return true  // system and I/O errors
        default: return state.hasPrefix("08") || state.hasPrefix("53")  // connection; out of memory, disk, connections
        }
    }

    /// Codes after which a connection is unusable although the server keeps it open.
    static func endsConnection(_ state: String?) -> Bool { state == "25006" || state == "57P01" }
}
