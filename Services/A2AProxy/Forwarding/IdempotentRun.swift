import UVHTTPClient
import UVHTTPServer

/// One run of a send with an `Idempotency-Key`.
package struct IdempotentRun: Sendable {
    /// 1 for the first. Each earlier run may have delivered the message.
    package let number: Int
    /// Used for a message without `messageId`; the same for every run, so that the agent can deduplicate.
    package let messageID: String

    package init(number: Int = 1, messageID: String) {
        self.number = number
        self.messageID = messageID
    }
}

/// A call without a response for the sender, with the error that the sender gets.
package struct FailedCall: APIErrorConvertible {
    package let apiError: APIError
    /// Whether the agent may have received the message.
    package let delivery: HTTPClientError.Delivery
}

extension CallOutcome {
    /// Whether the agent may have received the message.
    var delivery: HTTPClientError.Delivery {
        switch self {
        case .responded, .responseLost, .memoryExhausted: .responded
        case .busy(let reason, _): reason.isUncertain ? .uncertain : .notDelivered
        case .abandoned(let mayBeDelivered): mayBeDelivered ? .uncertain : .notDelivered
        case .absent, .unreachable, .unsafeAddress, .notRoutable, .gone, .refused: .notDelivered
        }
    }
}
