import A2AProxy
import Contracts
import HTTPCore
import Testing

@Suite struct DelegationOutcomeRuleTests {
    private let rules = QueueRules()

    private func change(_ outcome: CallOutcome, _ phase: DeliveryState.Phase, attempts: Int = 0) -> DelegationChange? {
        let verdict = rules.verdict(on: outcome, for: DeliveryState(attempts: attempts, claimNumber: 1, phase: phase))
        return DelegationOutcomeRule.change(phase: phase, verdict: verdict, outcome: outcome)
    }

    private func response(_ text: String) -> CallOutcome {
        .responded(AgentResponse(status: 200, contentType: nil, body: Array(text.utf8)))
    }

    @Test func theResponsesTextIsTheResult() throws {
        let long = String(repeating: "é", count: 301)
        let body = #"{"result":{"parts":[{"kind":"text","text":"\#(long)"}]}}"#
        let found = change(response(body), .queued)
        let change = try #require(found)
        #expect(change.status == "completed")
        #expect(change.response == long)
        #expect(change.preview == String(repeating: "é", count: 300) + "...")
        #expect(change.isDrained)
    }

    @Test func aFirstDispatchDoesNotComeOutOfTheQueue() {
        #expect(change(response("x"), .firstDispatch(attempts: 0))?.isDrained == false)
    }

    @Test func aBusyTargetMakesItQueuedOnce() {
        #expect(change(.busy(.unavailable), .firstDispatch(attempts: 0))?.status == "queued")
        #expect(change(.busy(.unavailable), .queued) == nil)
    }

    @Test func aSecondTryLeavesItsStatus() {
        let change = change(.unreachable, .firstDispatch(attempts: 0))
        #expect(change?.status == nil)
        #expect(change?.firstAttempts == 1)
    }

    @Test func aFailedItemFailsItWithItsError() {
        let change = change(.busy(.endOfFile), .queued, attempts: 4)
        #expect(change?.status == "failed")
        #expect(change?.error == BusyReason.endOfFile.rawValue)
    }

    @Test func summaries() {
        #expect(DelegationOutcomeRule.requestSummary(target: "B") == "Delegating to B")
        let text = String(repeating: "a", count: 100)
        let expected = "Delegation completed (\(String(repeating: "a", count: 80)))"
        #expect(DelegationOutcomeRule.resultSummary(.completed, preview: text) == expected)
        #expect(DelegationOutcomeRule.resultSummary(.queued, preview: nil) == "Delegation queued — target at capacity")
        #expect(DelegationOutcomeRule.resultSummary(.failed, preview: nil) == "Delegation failed")
    }
}
