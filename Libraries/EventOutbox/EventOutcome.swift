/// The outcome of an event.
package enum EventOutcome: Sendable, Hashable {
    /// It is handled.
    case done
    /// It is redelivered until its queue's delivery limit is reached, and dead-lettered then.
    case retry
    /// It can never be handled: dead-lettered at once.
    case reject
}

/// The outcomes of one message's events: a common one, and exceptions.
package struct EventOutcomes: Sendable, Hashable {
    private let common: EventOutcome
    private var exceptions: [Int: EventOutcome] = [:]

    package static let done = EventOutcomes(.done)

    package init(_ common: EventOutcome) {
        self.common = common
    }

    /// The outcome of the event at an index of the message.
    package subscript(index: Int) -> EventOutcome {
        get { exceptions[index] ?? common }
        set { exceptions[index] = newValue }
    }
}
