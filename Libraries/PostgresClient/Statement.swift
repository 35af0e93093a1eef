/// A named SQL statement, prepared once on each connection that uses it.
///
/// Statements are constants of the stores that own them: a name that is made up at run time would fill every
/// connection's memory with prepared statements.
package struct Statement: Sendable {
    /// Also the label of the statement's metrics. Empty: parsed anew at each use.
    package let name: String
    package let sql: String

    package init(_ name: String, _ sql: String) {
        self.name = name
        self.sql = sql
    }

    /// A statement that is not worth preparing.
    static func unprepared(_ sql: String) -> Statement { Statement("", sql) }
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
