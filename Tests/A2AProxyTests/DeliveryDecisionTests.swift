import A2AProxy
import HTTPCore
import Testing

@Suite struct DeliveryDecisionTests {
    private let rules = QueueRules()

    private func response(_ status: HTTPStatus, _ body: String = "{}") -> CallOutcome {
        .responded(AgentResponse(status: status, contentType: nil, body: Array(body.utf8)))
    }

    private func verdict(_ outcome: CallOutcome, _ facts: DeliveryState) -> DeliveryDecision {
        rules.verdict(on: outcome, for: facts, unit: 0)
    }

    private let fresh = DeliveryState(attempts: 0, claimNumber: 1)
    private let last = DeliveryState(attempts: 4, claimNumber: 5)

    @Test func aSuccessCompletes() {
        let verdict = verdict(response(200), fresh)
        #expect(verdict.next == .completed)
        #expect(verdict.error == nil)
        #expect(!verdict.isUncertain)
    }

    @Test(arguments: [BusyReason.tooManyRequests, .unavailable, .noConnection, .deadlineBeforeSending])
    func certainNonDeliveryIsNeverCounted(_ reason: BusyReason) {
        let facts = DeliveryState(attempts: 4, claimNumber: 900, refusals: Refusals(count: 7), pause: .seconds(30))
        let verdict = verdict(.busy(reason), facts)
        #expect(verdict.status == "queued")
        #expect(verdict.attempts == 4)
        #expect(verdict.refusals == Refusals(count: 8, time: .seconds(30)))
        #expect(!verdict.mayHaveArrived)
        #expect(verdict.hold == .zero)
        // A ceiling that is over before anything was sent is the caller's own.
        #expect(verdict.targetIsBusy == (reason != .deadlineBeforeSending))
        #expect(!verdict.isUncertain)
    }

    @Test(arguments: [BusyReason.idleTimeout, .deadline, .connectionReset, .endOfFile])
    func uncertainDeliveryIsCountedAndSaid(_ reason: BusyReason) {
        let first = verdict(.busy(reason), fresh)
        #expect(first.attempts == 1)
        #expect(first.isUncertain)
        #expect(first.mayHaveArrived)
        #expect(first.refusals == Refusals())
        #expect(first.status == "queued")
        let fifth = verdict(.busy(reason), last)
        #expect(fifth.next == .failed)
        #expect(fifth.attempts == 5)
        #expect(fifth.error == reason.rawValue)
    }

    @Test func aRefusedConnectionIsNotCounted() {
        let verdict = verdict(.unreachable, last)
        #expect(verdict.status == "queued")
        #expect(verdict.attempts == 4)
        #expect(verdict.targetIsBusy)
        #expect(verdict.refusals.count == 1)
        #expect(!verdict.mayHaveArrived)
    }

    // MARK: - Refusals

    @Test func refusalsEndInTime() {
        var rules = QueueRules()
        rules.refusalLimit = .seconds(100)
        var facts = DeliveryState(attempts: 2, claimNumber: 3, pause: .seconds(20))
        for number in 1...5 {
            let verdict = rules.verdict(on: .busy(.unavailable), for: facts)
            #expect(verdict.status == "queued")
            #expect(verdict.refusals == Refusals(count: number, time: .seconds(20) * (number - 1)))
            facts.refusals = verdict.refusals
        }
        let last = rules.verdict(on: .unreachable, for: facts)
        #expect(last.next == .failed)
        #expect(last.attempts == 2)
        #expect(last.error == "refused for too long: failed to reach workspace agent")
    }

    @Test func aTargetThatWasAwayDidNotRefuseMeanwhile() {
        let night = Refusals(count: 1).adding(after: .seconds(36_000), countedUpTo: .seconds(900))
        #expect(night == Refusals(count: 2, time: .seconds(900)))
        let facts = DeliveryState(attempts: 0, claimNumber: 3, refusals: Refusals(count: 1), pause: .seconds(36_000))
        #expect(verdict(.busy(.unavailable), facts).status == "queued")
    }

    @Test func aRetryAfterHoldsTheItemWithinReason() {
        func hold(_ seconds: Int) -> Duration {
            verdict(.busy(.tooManyRequests, retryAfter: .seconds(seconds)), fresh).hold
        }
        #expect(hold(90) == .seconds(90))
        #expect(hold(1_000_000) == .seconds(3600))
    }

    @Test(arguments: [(0, 3.0), (1, 6), (2, 12), (3, 24)])
    func countedFailuresAreSpaced(_ attempts: Int, _ seconds: Double) {
        let facts = DeliveryState(attempts: attempts, claimNumber: attempts + 1)
        for outcome in [response(500), .busy(.connectionReset), .responseLost(deliveryConfirmed: true)] {
            #expect(verdict(outcome, facts).hold == .seconds(seconds))
            let sooner = rules.verdict(on: outcome, for: facts, unit: 1)
            #expect(sooner.hold == .seconds(seconds) * 0.8)
            #expect(sooner.waitsForHeartbeat)
        }
        var rules = QueueRules()
        rules.retryDelay.maximum = .seconds(1)
        #expect(rules.verdict(on: response(500), for: facts, unit: 0).hold == .seconds(1))
    }

    @Test func aShortageOfTheProxyIsNotCounted() {
        for facts in [last, first(1)] {
            let verdict = verdict(.memoryExhausted, facts)
            #expect(verdict.status == "queued")
            #expect(verdict.attempts == facts.attempts)
            #expect(verdict.firstAttempts == nil)
            #expect(!verdict.targetIsBusy)
            // The agent has the message all the same.
            #expect(verdict.isUncertain)
        }
    }

    @Test func anErrorResponseIsCountedWithTheAgentsOwnText() {
        let verdict = verdict(response(500, #"{"error":{"code":-1,"message":"boom"}}"#), last)
        #expect(verdict.next == .failed)
        #expect(verdict.error == "boom")
        #expect(!verdict.targetIsBusy)
        #expect(verdict.mayHaveArrived)
    }

    @Test(arguments: [HTTPStatus(301), 302, 303, 307, 308])
    func anAgentThatHasMovedFailsItsItemsAtOnce(_ status: HTTPStatus) {
        for facts in [fresh, first(0)] {
            let verdict = verdict(response(status, #"{"error":"boom"}"#), facts)
            #expect(verdict.next == .failed)
            #expect(verdict.error == "the agent's registered URL has moved: it must register the new one")
        }
        #expect(verdict(response(304), fresh).status == "queued")
    }

    @Test func anInterruptionIsNoAttempt() {
        let verdict = verdict(.abandoned(mayBeDelivered: true), last)
        #expect(verdict.next == .retries(after: .zero))
        #expect(verdict.attempts == 4)
        #expect(verdict.isUncertain)
    }

    @Test func aRemovedTargetDropsItsItems() {
        #expect(verdict(.gone, fresh).next == .dropped)
    }

    // MARK: - The first dispatch of a delegation

    private func first(_ attempts: Int) -> DeliveryState {
        DeliveryState(attempts: 0, claimNumber: 1 + attempts, phase: .firstDispatch(attempts: attempts))
    }

    @Test func aBadGatewayIsTriedOnceMore() {
        for outcome in [CallOutcome.absent, .unreachable, response(502), .responseLost(deliveryConfirmed: true)] {
            let again = verdict(outcome, first(0))
            #expect(again.next == .retries(after: .seconds(8)))
            #expect(again.hold == .seconds(8))
            #expect(again.firstAttempts == 1)
            #expect(verdict(outcome, first(1)).next == .failed)
        }
    }

    @Test func aBusyTargetQueuesWithoutCounting() {
        let verdict = verdict(.busy(.idleTimeout), first(0))
        #expect(verdict.status == "queued")
        #expect(verdict.attempts == 0)
        #expect(verdict.isUncertain)
    }

    @Test func anyOtherResponseFailsAtOnce() {
        let verdict = verdict(response(400, #"{"error":"no such skill"}"#), first(0))
        #expect(verdict.next == .failed)
        #expect(verdict.error == "no such skill")
        #expect(rules.verdict(on: .refused("workspace budget limit exceeded"), for: first(0)).next == .failed)
    }

    // MARK: - Waiting

    @Test func anAgentsRetryAfterIsHonouredWithinReason() {
        let delay = RetryDelay()
        #expect(delay.delay(claims: 0, unit: 1, asked: .seconds(90)) == .seconds(90))
        #expect(delay.delay(claims: 50, unit: 0, asked: .seconds(90)) == .seconds(300))
        #expect(delay.delay(claims: 0, unit: 1, asked: .seconds(1_000_000)) == .seconds(3600))
        let facts = DeliveryState(attempts: 0, claimNumber: 1)
        let verdict = QueueRules().verdict(on: .busy(.unavailable, retryAfter: .seconds(500)), for: facts)
        #expect(verdict.next == .waits(backoff: .seconds(500)))
    }

    @Test(arguments: [(0, 30.0), (1, 60), (2, 120), (3, 240), (4, 300), (50, 300)])
    func theBackoffDoublesToItsCeiling(_ claims: Int, _ seconds: Double) {
        let delay = RetryDelay()
        #expect(delay.delay(claims: claims, unit: 0) == .seconds(seconds))
        #expect(delay.delay(claims: claims, unit: 1) == .seconds(seconds) * 0.8)
    }
}
