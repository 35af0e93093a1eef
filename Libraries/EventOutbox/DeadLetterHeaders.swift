import AMQPClient

/// Headers that the platform gives its messages beside those of the broker.
package enum EventHeader {
    /// How often an event was handed out before it was separated from its batch.
    package static let attempts = "x-switchyard-attempts"
    /// Which replay of which dead letter it is: the same event that dies once more is another dead letter.
    package static let replay = "x-switchyard-replay"
    /// By what a dead letter is recognised that was published twice.
    package static let death = "x-switchyard-death"

    /// Headers that say how a message fared so far, and nothing about what is in it.
    package static func isHistory(_ name: String) -> Bool {
        name.hasPrefix("x-death") || name.hasPrefix("x-first-death-") || name.hasPrefix("x-last-death-")
            || ["x-delivery-count", "x-publish-number", attempts, replay, death].contains(name)
    }
}

/// Why a message became a dead letter, in the broker's words.
package enum DeathReason: String, Sendable {
    case rejected
    case deliveryLimit = "delivery_limit"
}
