import HTTPClient
import HTTPCore

/// How a call to an agent ended, when it did not end in a stream.
package enum CallOutcome: Sendable {
    /// Any complete answer but 429 and 503.
    case answered(AgentAnswer)
    /// - Parameter retryAfter: how long the agent itself asks to be left alone.
    case busy(BusyReason, retryAfter: Duration? = nil)
    /// Nobody listens there, or the host has no address: nothing was delivered, and a container of ours is dead.
    case absent
    /// Nothing was delivered for want of a connection: none in time, no route, no TLS. The agent may well be alive.
    case unreachable
    /// The address is not one that may be called.
    case unsafeAddress
    /// The answer began and could not be read: cut off, larger than allowed, or no HTTP.
    case answerLost(deliveryConfirmed: Bool)
    /// The answer began and there was no memory here to read it into: the agent has done its part.
    case noRoom
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
    case deadlineBeforeSending = "the time for the call was over before the message was sent"

    /// The agent has no room. A ceiling that leaves no time for sending is the caller's own and says nothing about it.
    package var isOfTheTarget: Bool { self != .deadlineBeforeSending }

    /// Bytes were written and the answer was lost: the agent may have begun the work.
    package var isUncertain: Bool {
        switch self {
        case .idleTimeout, .deadline, .connectionReset, .endOfFile: true
        case .tooManyRequests, .unavailable, .noConnection, .deadlineBeforeSending: false
        }
    }
}

extension CallOutcome {
    /// The agent has the message, or may have it: a further delivery is a repetition.
    package var mayHaveArrived: Bool {
        switch self {
        case .answered, .answerLost, .noRoom: true
        case .busy(let reason, _): reason.isUncertain
        case .abandoned(let mayBeDelivered): mayBeDelivered
        case .absent, .unreachable, .unsafeAddress, .notNow, .gone, .refused: false
        }
    }

    package var isSuccess: Bool {
        if case .answered(let answer) = self { answer.status.isSuccess } else { false }
    }

    /// There was no connection: what is known of the agent's address may be out of date.
    package var foundNoAgent: Bool {
        switch self {
        case .absent, .unreachable: true
        default: false
        }
    }

    /// What a log and a queue item say about a call that brought nothing.
    package var failureText: String {
        switch self {
        case .answered(let answer): answer.errorText
        case .busy(let reason, _): reason.rawValue
        case .absent, .unreachable: "failed to reach workspace agent"
        case .unsafeAddress: "workspace URL is not publicly routable"
        case .answerLost, .noRoom: "failed to read agent response"
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
        case .absent, .unreachable: "unreachable"
        case .unsafeAddress: "unsafe"
        case .answerLost, .noRoom: "lost"
        case .notNow, .gone, .refused: "not_sent"
        case .abandoned: "abandoned"
        }
    }
}

extension CallOutcome {
    /// What a call that the client could not bring to an answer means.
    package init(_ error: HTTPClientError) {
        self =
            if error.kind == .cancelled {
                .abandoned(mayBeDelivered: error.requestBytesWritten)
            } else if error.answerStarted {
                .answerLost(deliveryConfirmed: true)
            } else {
                Self.withoutAnswer(error)
            }
    }

    private static func withoutAnswer(_ error: HTTPClientError) -> CallOutcome {
        switch error.kind {
        // What was sent on a connection found dead, and then found no other, may have arrived.
        case .unsafeAddress where error.requestBytesWritten, .overloaded where error.requestBytesWritten:
            .busy(.connectionReset)
        case .unsafeAddress: .unsafeAddress
        case .idleTimeout: .busy(.idleTimeout)
        case .totalTimeout: .busy(error.requestBytesWritten ? .deadline : .deadlineBeforeSending)
        case .reset: .busy(.connectionReset)
        case .endOfFile: .busy(.endOfFile)
        case .malformed, .tooLarge: .answerLost(deliveryConfirmed: false)
        case .overloaded: .busy(.noConnection)
        // A request that was sent on a connection found dead, and then found nobody, may have arrived.
        case .unknownHost, .refused: error.requestBytesWritten ? .busy(.connectionReset) : .absent
        case .invalidRequest, .unreachable, .connectTimeout, .tls, .requestBody, .cancelled:
            error.requestBytesWritten ? .busy(.connectionReset) : .unreachable
        }
    }
}
