import Concurrency
import Foundation
import HTTPCore

/// The state transition of a queue item after a finished call, as a value that the store applies.
package struct DeliveryDecision: Sendable, Equatable {
    package enum Next: Sendable, Equatable {
        case completed
        case failed
        case dropped
        /// Until the target's next heartbeat with capacity; for a target that never heartbeats, for `backoff`.
        case waits(backoff: Duration)
        /// Due again after a fixed delay, heartbeat or not.
        case retries(after: Duration)
    }

    package var next: Next
    /// Counted outcomes so far.
    package var attempts: Int
    /// Bytes were written and no response was received.
    package var isUncertain = false
    package var error: String?
    /// The target has no capacity until its next heartbeat.
    package var targetIsBusy = false
    /// The agent has or may have received the message.
    package var mayHaveArrived = false
    /// The minimum delay before the next attempt, whatever the target reports.
    package var hold: Duration = .zero
    package var refusals = Refusals()
    /// First dispatches of a delegation so far; nil leaves its row unchanged.
    package var firstAttempts: Int?
}

/// How often a message was certainly not delivered. Those do not count as attempts: the agent did not receive it.
package struct Refusals: Sendable, Equatable {
    package var count = 0
    /// From the first to the last of them.
    package var time: Duration = .zero

    package init(count: Int = 0, time: Duration = .zero) {
        self.count = count
        self.time = time
    }

    /// With one more.
    ///
    /// - Parameters:
    ///   - pause: time since the previous refusal of the message; ignored for the first one.
    ///   - longest: the most that one pause counts: a target that was offline for a night did not refuse all night.
    package func adding(after pause: Duration, countedUpTo longest: Duration) -> Refusals {
        Refusals(count: count + 1, time: count == 0 ? .zero : time + max(.zero, min(pause, longest)))
    }
}

/// The delivery state of an item that its verdict depends on.
package struct DeliveryState: Sendable, Equatable {
    package enum Phase: Sendable, Equatable {
        /// A plain message, or a delegation that has been queued.
        case queued
        /// A delegation that was not queued yet, with the number of first dispatches it had.
        case firstDispatch(attempts: Int)
    }

    package var attempts: Int
    package var claimNumber: Int
    package var phase: Phase
    package var refusals: Refusals
    /// Time between the end of the previous delivery and this one.
    package var pause: Duration

    package init(
        attempts: Int, claimNumber: Int, phase: Phase = .queued, refusals: Refusals = Refusals(),
        pause: Duration = .zero
    ) {
        self.attempts = attempts
        self.claimNumber = claimNumber
        self.phase = phase
        self.refusals = refusals
        self.pause = pause
    }
}

/// The limits and delays of the queue's rules, all of them settings.
package struct QueueRules: Sendable {
    /// Counted failures after which an item fails.
    package var attemptLimit = 5
    package var retryDelay = RetryDelay()
    /// Delay before the second attempt after a counted failure; it doubles. No heartbeat shortens it.
    package var failureDelay: Duration = .seconds(3)
    /// An item that its target refuses for this long fails.
    package var refusalLimit: Duration = .seconds(3600)
    /// Delay before the second and last first dispatch of a delegation.
    package var firstDispatchDelay: Duration = .seconds(8)

    package init() {}

    /// The verdict on an item whose call ended with `outcome`.
    ///
    /// - Parameter unit: a random number, 0 to 1, for the jitter of the back-off.
    package func verdict(
        on outcome: CallOutcome, for item: DeliveryState, unit: Double = .random(in: 0...1)
    ) -> DeliveryDecision {
        let waits = DeliveryDecision.Next.waits(backoff: retryDelay.delay(claims: item.claimNumber, unit: unit))
        var verdict = DeliveryDecision(next: waits, attempts: item.attempts, error: outcome.failureText)
        verdict.mayHaveArrived = outcome.mayHaveArrived
        verdict.refusals = item.refusals
        switch outcome {
        case .responded(let response) where response.status.isSuccess:
            verdict.next = .completed
            verdict.error = nil
        case .responded(let response) where response.isRedirect:
            // Every further attempt would get the same response, until the agent registers again.
            count(&verdict, unit)
            verdict.next = .failed
        case .busy(let reason, let retryAfter):
            verdict.next = .waits(backoff: retryDelay.delay(claims: item.claimNumber, unit: unit, asked: retryAfter))
            verdict.targetIsBusy = reason.isTargetBusy
            verdict.isUncertain = reason.isUncertain
            verdict.hold = min(retryAfter ?? .zero, RetryAfter.longest)
            if !reason.isUncertain {
                refuse(&verdict, item)
            } else if item.phase == .queued {
                count(&verdict, unit)
            }
        case .abandoned(let mayBeDelivered):
            verdict.next = .retries(after: .zero)
            verdict.isUncertain = mayBeDelivered
            verdict.error = nil
        case .memoryExhausted:
            // Memory pressure in the proxy is not counted; but the agent has done the work, and would repeat it each
            // time.
            verdict.isUncertain = true
            let pause = RetryDelay(initial: failureDelay, maximum: retryDelay.maximum)
            verdict.hold = pause.delay(claims: item.claimNumber, unit: unit)
        case .notRoutable:
            break
        case .gone:
            verdict.next = .dropped
        case .refused:
            // A delegation fails at once with the platform's text, as a direct call would; queued items stay queued.
            if case .firstDispatch = item.phase { verdict.next = .failed }
        case .absent, .unreachable:
            verdict.targetIsBusy = true
            if case .firstDispatch(let attempts) = item.phase {
                tryFirstDispatchAgain(&verdict, attempts)
            } else {
                refuse(&verdict, item)
            }
        case .unsafeAddress, .responseLost, .responded:
            if case .responseLost = outcome { verdict.isUncertain = true }
            if case .firstDispatch(let attempts) = item.phase {
                verdict.next = .failed
                if isBadGateway(outcome) { tryFirstDispatchAgain(&verdict, attempts) }
            } else {
                count(&verdict, unit)
            }
        }
        return verdict
    }

    private func count(_ verdict: inout DeliveryDecision, _ unit: Double) {
        verdict.attempts += 1
        if verdict.attempts >= attemptLimit { verdict.next = .failed }
        let delay = RetryDelay(initial: failureDelay, maximum: retryDelay.maximum)
        verdict.hold = max(verdict.hold, delay.delay(claims: verdict.attempts - 1, unit: unit))
    }

    /// At least four pauses are needed to reach the limit, however long each of them is.
    private func refuse(_ verdict: inout DeliveryDecision, _ item: DeliveryState) {
        verdict.refusals = item.refusals.adding(after: item.pause, countedUpTo: refusalLimit / 4)
        guard verdict.refusals.time >= refusalLimit else { return }
        verdict.next = .failed
        verdict.error = "refused for too long: \(verdict.error ?? "")"
    }

    private func tryFirstDispatchAgain(_ verdict: inout DeliveryDecision, _ attempts: Int) {
        verdict.firstAttempts = attempts + 1
        verdict.targetIsBusy = false
        verdict.next = attempts == 0 ? .retries(after: firstDispatchDelay) : .failed
        verdict.hold = firstDispatchDelay
    }

    /// Whether a direct call would have got 502.
    private func isBadGateway(_ outcome: CallOutcome) -> Bool {
        switch outcome {
        case .unsafeAddress, .responseLost, .absent, .unreachable: true
        case .responded(let response): response.status == .badGateway
        case .busy, .memoryExhausted, .abandoned, .notRoutable, .gone, .refused: false
        }
    }
}

/// Exponential back-off with jitter for items whose target never heartbeats.
package struct RetryDelay: Sendable, Equatable {
    package var initial: Duration = .seconds(30)
    package var maximum: Duration = .seconds(300)

    package init(initial: Duration = .seconds(30), maximum: Duration = .seconds(300)) {
        self.initial = initial
        self.maximum = maximum
    }

    /// - Parameters:
    ///   - claims: how often the item was claimed; 0 when its target was busy before it was stored.
    ///   - unit: a random number, 0 to 1; jitter that takes up to a fifth of the delay away.
    ///   - asked: the agent's `Retry-After`: a lower bound, up to ``RetryAfter/longest``.
    package func delay(claims: Int, unit: Double, asked: Duration? = nil) -> Duration {
        let delay = Backoff(initial: initial, maximum: maximum, jitter: 0.2).delay(attempt: claims, unit: unit)
        return max(delay, min(asked ?? .zero, RetryAfter.longest))
    }
}
