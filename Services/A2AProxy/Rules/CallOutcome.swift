import HTTPCore

/// How a call to an agent ended, when it did not end in a stream.
package enum CallOutcome: Sendable {
    /// Any complete answer but 429 and 503.
    case answered(AgentAnswer)
    /// - Parameter retryAfter: how long the agent itself asks to be left alone.
    case busy(BusyReason, retryAfter: Duration? = nil)
    /// Nothing was delivered: refused, unknown host, no connection in time.
    case unreachable
    /// The address is not one that may be called.
    case unsafeAddress
    /// The answer began and could not be read: cut off, larger than allowed, or no HTTP.
    case answerLost(deliveryConfirmed: Bool)
    /// There is no way to the target for now; nothing was sent.
    case notNow(String)
    /// The target does not exist any more; nothing was sent.
    case gone
    /// The platform itself refuses the message, in these words; nothing was sent.
    case refused(String)
    /// We gave the call up: a shutdown, or a lease that is another's now.
    case abandoned(mayBeDelivered: Bool)
}

/// What counts as busy, and how certain it is that the agent did not get the message.
package enum BusyReason: String, Sendable, CaseIterable {
    case idleTimeout = "no sign of life from the agent"
    case deadline = "the agent did not answer in time"
    case connectionReset = "the connection to the agent was reset"
    case endOfFile = "the agent closed the connection before answering"
    case tooManyRequests = "the agent answered 429"
    case unavailable = "the agent answered 503"
    case noConnection = "too many calls wait for a connection to the agent"

    /// Bytes were written and the answer was lost: the agent may have begun the work.
    package var isUncertain: Bool {
        switch self {
        case .idleTimeout, .deadline, .connectionReset, .endOfFile: true
        case .tooManyRequests, .unavailable, .noConnection: false
        }
    }
}

extension CallOutcome {
    package var isSuccess: Bool {
        if case .answered(let answer) = self { answer.status.isSuccess } else { false }
    }

    /// What a log and a queue item say about a call that brought nothing.
    package var failureText: String {
        switch self {
        case .answered(let answer): answer.errorText
        case .busy(let reason, _): reason.rawValue
        case .unreachable: "failed to reach workspace agent"
        case .unsafeAddress: "workspace URL is not publicly routable"
        case .answerLost: "failed to read agent response"
        case .notNow(let reason), .refused(let reason): reason
        case .gone: "workspace not found"
        case .abandoned: "interrupted"
        }
    }
}

extension CallOutcome {
    /// The value of the outcome's label in metrics.
    package var label: String {
        switch self {
        case .answered(let answer): answer.status.isSuccess ? "answered" : "error"
        case .busy(let reason, _): reason.isUncertain ? "busy_uncertain" : "busy"
        case .unreachable: "unreachable"
        case .unsafeAddress: "unsafe"
        case .answerLost: "lost"
        case .notNow, .gone, .refused: "not_sent"
        case .abandoned: "abandoned"
        }
    }
}
