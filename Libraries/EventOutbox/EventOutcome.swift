import Contracts

/// What becomes of an event.
package enum EventOutcome: Sendable, Hashable {
    /// It is dealt with.
    case done
    /// It is handed out again, as often as its queue's delivery limit allows, and is a dead letter then.
    case retry
    /// Nobody will ever be able to handle it: a dead letter at once.
    case reject
}

/// What becomes of the events of one message: the same of all, but for some.
package struct EventOutcomes: Sendable, Hashable {
    private let common: EventOutcome
    private var others: [Int: EventOutcome] = [:]

    package static let done = EventOutcomes(.done)
    package static let retry = EventOutcomes(.retry)
    package static let reject = EventOutcomes(.reject)

    package init(_ common: EventOutcome) {
        self.common = common
    }

    /// The outcome of the event at a place of the message.
    package subscript(place: Int) -> EventOutcome {
        get { others[place] ?? common }
        set { others[place] = newValue }
    }

    /// Handles events one after the other.
    package static func ofEach(
        _ events: [CloudEvent], _ handle: (CloudEvent) async -> EventOutcome
    ) async -> EventOutcomes {
        var outcomes = EventOutcomes.done
        for (place, event) in events.enumerated() { outcomes[place] = await handle(event) }
        return outcomes
    }
}
