import Synchronization
import UVLoop

/// Runs some work on a loop, never concurrently. Calls while it runs are coalesced into one more run afterwards.
final class CoalescingRunner: Sendable {
    private enum State {
        case idle
        case running
        case runningWithPendingRun
    }

    private let state = Mutex(State.idle)

    /// Returns at once.
    func run(on loop: EventLoop, _ work: @escaping @Sendable () async -> Void) {
        let starts = state.withLock { state in
            let starts = state == .idle
            state = starts ? .running : .runningWithPendingRun
            return starts
        }
        guard starts else { return }
        loop.spawn {
            repeat { await work() } while self.runsAgain()
        }
    }

    private func runsAgain() -> Bool {
        state.withLock { state in
            let runsAgain = state == .runningWithPendingRun
            state = runsAgain ? .running : .idle
            return runsAgain
        }
    }
}
