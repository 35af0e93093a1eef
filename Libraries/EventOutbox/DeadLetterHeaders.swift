import AMQP

/// Headers that the platform adds to those of the broker.
package enum EventHeader {
    /// How often an event was delivered before it was separated from its batch.
    package static let attempts = "x-switchyard-attempts"
    /// The replay of a dead letter: when the same event fails once more, it is another dead letter.
    package static let replay = "x-switchyard-replay"
    /// The idempotency key of a dead letter, which may be published twice.
    package static let death = "x-switchyard-death"

    /// Headers about the message's earlier deliveries, and not about its content.
    package static func isHistory(_ name: String) -> Bool {
        name.hasPrefix("x-death") || name.hasPrefix("x-first-death-") || name.hasPrefix("x-last-death-")
            || ["x-delivery-count", "x-publish-number", attempts, replay, death].contains(name)
    }
}

/// Why a message became a dead letter, with the broker's names.
package enum DeadLetterReason: String, Sendable {
    case rejected
    case deliveryLimit = "delivery_limit"
}
