/// A named SQL statement, prepared once on each connection that uses it.
///
/// Statements are constants of the stores that own them: a name that is made up at run time would fill every
/// connection's memory with prepared statements.
package struct Statement: Sendable {
    /// Also the label of the statement's metrics. Empty: parsed anew at each use.
    package let name: String
    package let sql: String
    /// What it does about locks that others may hold for long.
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

/// How a statement waits for locks of others. Calls of a pool share connections, and what stands behind a statement
/// that waits for a lock waits, too: so each wait ends after ``PostgresConfiguration/lockTimeout``.
package enum LockWait: Sendable {
    /// It seldom waits, and shares connections with all others that seldom do. Should it have to wait, it lets others
    /// go first again and again, until its deadline.
    case none
    /// It takes locks that others may hold: it shares connections with its like only, and waits in the same manner.
    case patient
    /// The same, but it fails (55P03) once the lock was not to be had in time: its caller knows better what to do.
    case brief
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
