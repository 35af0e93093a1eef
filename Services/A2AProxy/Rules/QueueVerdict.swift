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
    /// First dispatches of a delegation so far; nil leaves its row alone.
    package var firstAttempts: Int?
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

    package init(attempts: Int, claimNumber: Int, phase: Phase = .queued) {
        self.attempts = attempts
        self.claimNumber = claimNumber
        self.phase = phase
    }
}

/// The numbers of the rules, all of them settings.
package struct QueueRules: Sendable {
    /// Counted failures after which an item fails.
    package var attemptLimit = 5
    package var retryDelay = RetryDelay()
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
        switch outcome {
        case .answered(let answer) where answer.status.isSuccess:
            verdict.next = .completed
            verdict.error = nil
        case .busy(let reason, let retryAfter):
            verdict.next = .waits(backoff: retryDelay.delay(claims: item.claimNumber, unit: unit, asked: retryAfter))
            verdict.targetIsBusy = reason.isOfTheTarget
            verdict.isUncertain = reason.isUncertain
            if reason.isUncertain, item.phase == .queued { count(&verdict) }
        case .abandoned(let mayBeDelivered):
            verdict.next = .retries(after: .zero)
            verdict.isUncertain = mayBeDelivered
            verdict.error = nil
        case .noRoom:
            verdict.isUncertain = true
        case .notNow:
            break
        case .gone:
            verdict.next = .dropped
        case .refused:
            // A delegation fails at once with the platform's words, as a direct call would; what waits, waits on.
            if case .firstDispatch = item.phase { verdict.next = .failed }
        case .absent, .unreachable:
            verdict.targetIsBusy = true
            if case .firstDispatch(let attempts) = item.phase { tryFirstDispatchAgain(&verdict, attempts) }
        case .unsafeAddress, .answerLost, .answered:
            if case .answerLost = outcome { verdict.isUncertain = true }
            if case .firstDispatch(let attempts) = item.phase {
                verdict.next = .failed
                if isBadGateway(outcome) { tryFirstDispatchAgain(&verdict, attempts) }
            } else {
                count(&verdict)
            }
        }
        return verdict
    }

    private func count(_ verdict: inout QueueVerdict) {
        verdict.attempts += 1
        if verdict.attempts >= attemptLimit { verdict.next = .failed }
    }

    private func tryFirstDispatchAgain(_ verdict: inout QueueVerdict, _ attempts: Int) {
        verdict.firstAttempts = attempts + 1
        verdict.targetIsBusy = false
        verdict.next = attempts == 0 ? .retries(after: firstDispatchDelay) : .failed
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
