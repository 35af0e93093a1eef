/// Why a message was not confirmed by the broker, or why a connection was lost.
package struct AMQPError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// No connection within the deadline, or the broker blocks publishers; the message was not sent.
        case unavailable
        /// The message was sent and the connection was lost, or the deadline passed, before the broker confirmed it.
        case outcomeUnknown = "outcome_unknown"
        /// The broker refused it (`basic.nack`): a full queue, for example.
        case refused
        /// No queue takes it; reported only for `mandatory` messages.
        case unroutable
        /// More messages are waiting than the buffer may hold; not sent.
        case overloaded
        /// The publisher was stopped; not sent.
        case stopped
        /// A channel or connection exception of the broker.
        case exception
        /// The broker cannot be reached, or the connection broke.
        case connection
        /// Not retryable: a bad URL, a field too long for the protocol.
        case invalid
    }

    package let code: Code
    /// AMQP's reply code of an exception (404 not found, 405 locked, 406 precondition failed, ...).
    package let replyCode: Int?
    /// For the log only.
    package let detail: String

    package init(_ code: Code, _ detail: String, replyCode: Int? = nil) {
        self.code = code
        self.detail = detail
        self.replyCode = replyCode
    }

    /// Publishing the same message again may succeed. With `outcomeUnknown` it may then arrive twice.
    package var isRetryable: Bool { code != .invalid }

    package var description: String {
        replyCode.map { "\(code.rawValue) (\($0)): \(detail)" } ?? "\(code.rawValue): \(detail)"
    }
}

/// The state of a publisher's or consumer's connection.
package enum AMQPState: Sendable, Hashable, CustomStringConvertible {
    case connecting
    case ready
    /// Connected, but the broker blocks publishers at present, for this reason.
    case blocked(String)
    /// The last attempt failed with this; the next one follows.
    case failed(String)
    case stopped

    package var description: String {
        switch self {
        case .connecting: "connecting"
        case .ready: "ready"
        case .blocked(let reason): "blocked: \(reason)"
        case .failed(let reason): "failed: \(reason)"
        case .stopped: "stopped"
        }
    }
}
