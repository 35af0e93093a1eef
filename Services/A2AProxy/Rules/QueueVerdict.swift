import Foundation
import HTTPCore

/// What a finished call makes of its queue item: the arrows of the item's life, as a value that the store performs.
package struct QueueVerdict: Sendable, Equatable {
    package enum Next: Sendable, Equatable {
        case completed
        case failed
        case dropped
        /// Until the target's next heartbeat with room; for a target that never heartbeats, for `backoff`.
        case waits(backoff: Duration)
        /// Due again after a fixed time, heartbeat or not.
        case retries(after: Duration)
    }

    package var next: Next
    /// Counted outcomes so far.
    package var attempts: Int
    /// Bytes were written and no answer came.
    package var isUncertain = false
    package var error: String?
    /// The target has no room until its next heartbeat.
    package var targetIsBusy = false
    /// The agent has the message, or may have it.
    package var mayHaveArrived = false
    /// Not tried again before that, whatever the target reports.
    package var hold: Duration = .zero
    package var refusals = Refusals()
    /// First dispatches of a delegation so far; nil leaves its row alone.
    package var firstAttempts: Int?
}

/// How often a message was certainly not delivered. That is no attempt: the agent did not have it.
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
    ///   - pause: since the message came back from its target before; means nothing for the first refusal.
    ///   - longest: what one pause counts for: a target that was away for a night did not refuse all night.
    package func adding(after pause: Duration, countedUpTo longest: Duration) -> Refusals {
        Refusals(count: count + 1, time: count == 0 ? .zero : time + max(.zero, min(pause, longest)))
    }
}

/// The facts about an item that its verdict depends on.
package struct ItemFacts: Sendable, Equatable {
    package enum Phase: Sendable, Equatable {
        /// A plain message, or a delegation that waits in the queue.
        case queued
        /// A delegation that was not put off yet; with how many first dispatches it had.
        case firstDispatch(attempts: Int)
    }

    package var attempts: Int
    package var claimNumber: Int
    package var phase: Phase
    package var refusals: Refusals
    /// Between its return from an earlier delivery and this one.
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

/// The numbers of the rules, all of them settings.
package struct QueueRules: Sendable {
    /// Counted failures after which an item fails.
    package var attemptLimit = 5
    package var retryDelay = RetryDelay()
    /// Before the second attempt after a counted failure; it doubles. No heartbeat shortens it.
    package var failureDelay: Duration = .seconds(3)
    /// An item that its target refuses for this long fails.
    package var refusalLimit: Duration = .seconds(3600)
    /// Before the second and last first dispatch of a delegation.
    package var firstDispatchDelay: Duration = .seconds(8)

    package init() {}

    /// The verdict over an item whose call ended with `outcome`.
    ///
    /// - Parameter unit: chance, 0 to 1, for the backoff.
    package func verdict(
        on outcome: CallOutcome, for item: ItemFacts, unit: Double = .random(in: 0...1)
    ) -> QueueVerdict {
        let waits = QueueVerdict.Next.waits(backoff: retryDelay.delay(claims: item.claimNumber, unit: unit))
        var verdict = QueueVerdict(next: waits, attempts: item.attempts, error: outcome.failureText)
        verdict.mayHaveArrived = outcome.mayHaveArrived
        verdict.refusals = item.refusals
        switch outcome {
        case .answered(let answer) where answer.status.isSuccess:
            verdict.next = .completed
            verdict.error = nil
        case .answered(let answer) where answer.isRedirect:
            // Every further try would be answered alike, until the agent registers anew.
            count(&verdict, unit)
            verdict.next = .failed
        case .busy(let reason, let retryAfter):
            verdict.next = .waits(backoff: retryDelay.delay(claims: item.claimNumber, unit: unit, asked: retryAfter))
            verdict.targetIsBusy = reason.isOfTheTarget
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
        case .noRoom:
            // The shortage is ours and counts for nothing; but the agent has done the work, and would do it again each time.
            verdict.isUncertain = true
            let pause = RetryDelay(initial: failureDelay, maximum: retryDelay.maximum)
            verdict.hold = pause.delay(claims: item.claimNumber, unit: unit)
        case .notNow:
            break
        case .gone:
            verdict.next = .dropped
        case .refused:
            // A delegation fails at once with the platform's words, as a direct call would; what waits, waits on.
            if case .firstDispatch = item.phase { verdict.next = .failed }
        case .absent, .unreachable:
            verdict.targetIsBusy = true
            if case .firstDispatch(let attempts) = item.phase {
                tryFirstDispatchAgain(&verdict, attempts)
            } else {
                refuse(&verdict, item)
            }
        case .unsafeAddress, .answerLost, .answered:
            if case .answerLost = outcome { verdict.isUncertain = true }
            if case .firstDispatch(let attempts) = item.phase {
                verdict.next = .failed
                if isBadGateway(outcome) { tryFirstDispatchAgain(&verdict, attempts) }
            } else {
                count(&verdict, unit)
            }
        }
        return verdict
    }

    private func count(_ verdict: inout QueueVerdict, _ unit: Double) {
        verdict.attempts += 1
        if verdict.attempts >= attemptLimit { verdict.next = .failed }
        let delay = RetryDelay(initial: failureDelay, maximum: retryDelay.maximum)
        verdict.hold = max(verdict.hold, delay.delay(claims: verdict.attempts - 1, unit: unit))
    }

    /// Four pauses at least make up the limit, however long each of them is.
    private func refuse(_ verdict: inout QueueVerdict, _ item: ItemFacts) {
        verdict.refusals = item.refusals.adding(after: item.pause, countedUpTo: refusalLimit / 4)
        guard verdict.refusals.time >= refusalLimit else { return }
        verdict.next = .failed
        verdict.error = "refused for too long: \(verdict.error ?? "")"
    }

    private func tryFirstDispatchAgain(_ verdict: inout QueueVerdict, _ attempts: Int) {
        verdict.firstAttempts = attempts + 1
        verdict.targetIsBusy = false
        verdict.next = attempts == 0 ? .retries(after: firstDispatchDelay) : .failed
        verdict.hold = firstDispatchDelay
    }

    /// What a sender at the proxy's front door would have seen as 502.
    private func isBadGateway(_ outcome: CallOutcome) -> Bool {
        switch outcome {
        case .unsafeAddress, .answerLost, .absent, .unreachable: true
        case .answered(let answer): answer.status == .badGateway
        case .busy, .noRoom, .abandoned, .notNow, .gone, .refused: false
        }
    }
}

/// How long an item waits for a target that never heartbeats: doubling up to a ceiling, with chance mixed in.
package struct RetryDelay: Sendable, Equatable {
    package var initial: Duration = .seconds(30)
    package var maximum: Duration = .seconds(300)

    package init(initial: Duration = .seconds(30), maximum: Duration = .seconds(300)) {
        self.initial = initial
        self.maximum = maximum
    }

    /// - Parameters:
    ///   - claims: how often the item was claimed; 0 when it met a busy target before it was stored.
    ///   - unit: chance, 0 to 1; takes up to a fifth of the delay away.
    ///   - asked: what the agent's `Retry-After` said: it is not tried before, within reason.
    package func delay(claims: Int, unit: Double, asked: Duration? = nil) -> Duration {
        var delay = min(initial, maximum)
        for _ in 0..<max(0, min(claims, 32)) where delay < maximum { delay = min(delay * 2, maximum) }
        return max(delay * (1 - 0.2 * unit), min(asked ?? .zero, RetryAfter.longest))
    }
}
