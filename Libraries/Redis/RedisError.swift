/// Why a command failed.
package struct RedisError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// No connection; the command was not sent.
        case unavailable
        /// No reply in time; it may have been executed.
        case deadline
        /// The connection was lost before the reply; it may have been executed.
        case connectionLost = "connection_lost"
        /// Too many commands await replies; not sent.
        case overloaded
        /// Redis refused the command.
        case server
        /// A bad URL.
        case invalid
    }

    package let code: Code
    /// For the log only.
    package let detail: String

    package init(_ code: Code, _ detail: String) {
        self.code = code
        self.detail = detail
    }

    package var description: String { "\(code.rawValue): \(detail)" }
}
