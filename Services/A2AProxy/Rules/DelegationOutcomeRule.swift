import AgentResponses
import Contracts
import Foundation
import PlatformInternals

/// The effect of a finished delivery on the delegation that the item carries.
package enum DelegationOutcomeRule {
    /// - Returns: nil when nothing about the delegation changes.
    package static func change(
        phase: DeliveryState.Phase, verdict: DeliveryDecision, outcome: CallOutcome
    ) -> DelegationChange? {
        var change = DelegationChange()
        change.isDrained = phase == .queued
        change.firstAttempts = verdict.firstAttempts
        switch verdict.next {
        case .completed:
            guard case .responded(let response) = outcome else { return nil }
            let text = ResponseText.extract(from: response.body).withoutNUL
            change.status = "completed"
            change.response = text
            change.preview = preview(text)
        case .failed, .dropped:
            change.status = "failed"
            change.error = verdict.error
        case .waits:
            guard phase != .queued else { return nil }
            change.status = "queued"
        case .retries:
            guard change.firstAttempts != nil else { return nil }
            change.isDrained = false
        }
        return change
    }

    /// The part of a response that the list shows.
    package static func preview(_ text: String) -> String {
        text.bounded(to: Limits.errorText).shortened(to: Limits.listedResponsePreview, mark: "...")
    }

    /// The summary of a delegation's request.
    package static func requestSummary(target: String) -> String { "Delegating to \(target)" }

    /// The summary of a delegation's result.
    package static func resultSummary(_ status: DelegationStatus, preview: String?) -> String {
        switch status {
        case .completed: "Delegation completed (\((preview ?? "").shortened(to: Limits.summaryText)))"
        case .failed: "Delegation failed"
        case .pending, .dispatched, .queued: "Delegation queued — target at capacity"
        }
    }
}
