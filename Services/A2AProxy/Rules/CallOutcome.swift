import HTTPCore
import UVHTTPClient

/// How a call to an agent ended, when it did not end in a stream.
package enum CallOutcome: Sendable {
    /// Any complete response other than 429 and 503.
    case responded(AgentResponse)
    /// - Parameter retryAfter: the back-off that the agent requested.
    case busy(BusyReason, retryAfter: Duration? = nil)
    /// Connection refused, or the host has no address: nothing was delivered, and a provisioned container is not
    /// running.
    case absent
    /// Nothing was delivered for lack of a connection: none in time, no route, no TLS. The agent may well be alive.
    case unreachable
    /// The address is not one that may be called.
    case unsafeAddress
    /// The response began and could not be read: truncated, larger than allowed, or not HTTP.
    case responseLost(deliveryConfirmed: Bool)
    /// The response began and the memory budget had no room for it: the agent has done the work.
    case memoryExhausted
    /// The target cannot be called at the moment; nothing was sent.
    case notRoutable(String)
    /// The target does not exist any more; nothing was sent.
    case gone
    /// The platform itself refuses the message, with this text; nothing was sent.
    case refused(String)
    /// The proxy cancelled the call: at a shutdown, or because another instance holds the lease.
    case abandoned(mayBeDelivered: Bool)
}

/// Why a target counts as busy, and whether the agent may have received the message.
package enum BusyReason: String, Sendable, CaseIterable {
    case idleTimeout = "no sign of life from the agent"
    case deadline = "the agent did not answer in time"
    case connectionReset = "the connection to the agent was reset"
    case endOfFile = "the agent closed the connection before answering"
    case tooManyRequests = "the agent answered 429"
    case unavailable = "the agent answered 503"
    case noConnection = "too many calls wait for a connection to the agent"
    case deadlineBeforeSending = "the time for the call was over before the message was sent"

    /// Whether the agent has no capacity. A ceiling that leaves no time for sending is the caller's own and says
    /// nothing about the agent.
    package var isTargetBusy: Bool { self != .deadlineBeforeSending }

    /// Bytes were written and no response was received: the agent may have begun the work.
    package var isUncertain: Bool {
        switch self {
        case .idleTimeout, .deadline, .connectionReset, .endOfFile: true
        case .tooManyRequests, .unavailable, .noConnection, .deadlineBeforeSending: false
        }
    }
}

extension CallOutcome {
    /// The agent has or may have received the message: a further delivery is a redelivery.
    package var mayHaveArrived: Bool {
        switch self {
        case .responded, .responseLost, .memoryExhausted: true
        case .busy(let reason, _): reason.isUncertain
        case .abandoned(let mayBeDelivered): mayBeDelivered
        case .absent, .unreachable, .unsafeAddress, .notRoutable, .gone, .refused: false
        }
    }

    package var isSuccess: Bool {
        if case .responded(let response) = self { response.status.isSuccess } else { false }
    }

    /// There was no connection: the cached address of the agent may be stale.
    package var isConnectFailure: Bool {
        switch self {
        case .absent, .unreachable: true
        default: false
        }
    }

    /// The error text of an unsuccessful call for the log and the queue item.
    package var failureText: String {
        switch self {
        case .responded(let response): response.errorText
        case .busy(let reason, _): reason.rawValue
        case .absent, .unreachable: "failed to reach workspace agent"
        case .unsafeAddress: "workspace URL is not publicly routable"
        case .responseLost, .memoryExhausted: "failed to read agent response"
        case .notRoutable(let reason), .refused(let reason): reason
        case .gone: "workspace not found"
        case .abandoned: "interrupted"
        }
    }
}

extension CallOutcome {
    /// The value of the outcome's label in metrics.
    package var label: String {
        switch self {
        case .responded(let response): response.status.isSuccess ? "answered" : "error"
        case .busy(let reason, _): reason.isUncertain ? "busy_uncertain" : "busy"
        case .absent, .unreachable: "unreachable"
        case .unsafeAddress: "unsafe"
        case .responseLost, .memoryExhausted: "lost"
        case .notRoutable, .gone, .refused: "not_sent"
        case .abandoned: "abandoned"
        }
    }
}

extension CallOutcome {
    /// The outcome of a call for which the client has no response.
    package init(_ error: HTTPClientError) {
        self =
            if error.kind == .cancelled {
                .abandoned(mayBeDelivered: error.requestBytesWritten)
            } else if error.responseStarted {
                .responseLost(deliveryConfirmed: true)
            } else {
                Self.withoutResponse(error)
            }
    }

    private static func withoutResponse(_ error: HTTPClientError) -> CallOutcome {
        switch error.kind {
        // A request sent on a stale connection, and not retried for lack of another, may have arrived.
        case .unsafeAddress where error.requestBytesWritten, .overloaded where error.requestBytesWritten:
            .busy(.connectionReset)
        case .unsafeAddress: .unsafeAddress
        case .idleTimeout: .busy(.idleTimeout)
        case .totalTimeout: .busy(error.requestBytesWritten ? .deadline : .deadlineBeforeSending)
        case .reset: .busy(.connectionReset)
        case .endOfFile: .busy(.endOfFile)
        case .malformed, .tooLarge: .responseLost(deliveryConfirmed: false)
        case .overloaded: .busy(.noConnection)
        // A request sent on a stale connection, whose retry was refused, may have arrived.
        case .unknownHost, .refused: error.requestBytesWritten ? .busy(.connectionReset) : .absent
        case .invalidRequest, .unreachable, .connectTimeout, .tls, .requestBody, .cancelled:
            error.requestBytesWritten ? .busy(.connectionReset) : .unreachable
        }
    }
}
