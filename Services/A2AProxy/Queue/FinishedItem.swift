import EventOutbox
import Foundation

/// How a claimed item ended, to be written if the claim is still the current one.
package struct FinishedItem: Sendable {
    package let id: UUID
    package let workspace: UUID
    package let claimNumber: Int
    package let verdict: DeliveryDecision
    /// Of a completed item.
    package var response: StoredBody?
    package var responseStatus: Int?
    /// The agent answered, so that what it last reported as running may still count this call.
    package var hasResponse = false
    /// What happens to the item's delegation.
    package var delegation: DelegationChange?
    /// What its log keeps of it; nil for nothing.
    package var logged: LoggedAttempt?

    package init(id: UUID, workspace: UUID, claimNumber: Int, verdict: DeliveryDecision) {
        self.id = id
        self.workspace = workspace
        self.claimNumber = claimNumber
        self.verdict = verdict
    }
}

/// The next step of a delegation's life.
package struct DelegationChange: Sendable, Equatable {
    /// `completed`, `failed`, `queued`, or nil for none but the count of first dispatches.
    package var status: String?
    package var response: String?
    package var preview: String?
    package var error: String?
    /// The result came out of the queue.
    package var isDrained = false
    package var firstAttempts: Int?

    package init() {}
}

/// What finishing a batch did.
package struct Finished: Sendable {
    /// One an item: false when its claim was not current any more; nothing was written then.
    package var accepted: [Bool]
    package var events: [CommittedEvent]
}

extension DeliveryDecision {
    /// The value of `a2a_queue.status`.
    package var status: String {
        switch next {
        case .completed: "completed"
        case .failed: "failed"
        case .dropped: "dropped"
        case .waits, .retries: "queued"
        }
    }

    package var waitsForHeartbeat: Bool {
        if case .waits = next { true } else { false }
    }

    var delay: Duration {
        switch next {
        case .waits(let backoff): backoff
        case .retries(let delay): delay
        case .completed, .failed, .dropped: .zero
        }
    }
}
