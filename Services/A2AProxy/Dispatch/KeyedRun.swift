import HTTPClient
import HTTPServer

/// One run of a send that an `Idempotency-Key` stands for.
package struct KeyedRun: Sendable {
    /// 1 for the first. Each of those before may have delivered the message.
    package let number: Int
    /// For a message that came without: every run's, so that the agent can tell.
    package let messageID: String

    package init(number: Int = 1, messageID: String) {
        self.number = number
        self.messageID = messageID
    }
}

/// What a sender is told of a call that has no answer for it.
package struct UnansweredCall: APIErrorConvertible {
    package let apiError: APIError
    /// What the agent may have seen of the message.
    package let delivery: HTTPClientError.Delivery
}

extension CallOutcome {
    /// What the agent may have seen of the message.
    var delivery: HTTPClientError.Delivery {
        switch self {
        case .answered, .answerLost, .noRoom: .answered
        case .busy(let reason, _): reason.isUncertain ? .uncertain : .notDelivered
        case .abandoned(let mayBeDelivered): mayBeDelivered ? .uncertain : .notDelivered
        case .absent, .unreachable, .unsafeAddress, .notNow, .gone, .refused: .notDelivered
        }
    }
}
