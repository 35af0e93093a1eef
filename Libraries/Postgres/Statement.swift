/// A named SQL statement, prepared once on each connection that uses it.
///
/// Statements are constants of the stores that own them: names generated at run time would fill every
/// connection's memory with prepared statements.
package struct Statement: Sendable {
    /// Also the label of the statement's metrics. Empty: parsed at each use.
    package let name: String
    package let sql: String
    /// How it waits for locks.
    package let locks: LockWait

    /// - Parameter locks: see ``LockWait``; by default it takes none that it is likely to wait for.
    package init(_ name: String, locks: LockWait = .none, _ sql: String) {
        self.name = name
        self.sql = sql
        self.locks = locks
    }

    /// A statement that is not worth preparing.
    static func unprepared(_ sql: String) -> Statement { Statement("", sql) }
}

/// How a statement waits for locks. Calls of a pool share pipelined connections, so calls behind a statement that waits
/// for a lock wait, too: each wait ends after ``PostgresConfiguration/lockTimeout``.
package enum LockWait: Sendable {
    /// It rarely waits, and shares connections with all such statements. After a lock timeout it is requeued behind the
    /// other calls, again and again until its deadline.
    case none
    /// It takes contended locks: it shares connections with such statements only, and is requeued in the same way.
    case requeue
    /// The same, but it fails (55P03) at the first lock timeout, which its caller handles.
    case fail
}

/// A statement with its parameters.
package struct Call: Sendable {
    package let statement: Statement
    let parameters: EncodedParameters

    package init(_ statement: Statement, _ parameters: [any PostgresEncodable] = []) {
        self.statement = statement
        self.parameters = EncodedParameters(parameters)
    }
}
