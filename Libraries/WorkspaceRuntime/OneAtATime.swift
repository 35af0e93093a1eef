import EventLoop
import Synchronization

/// Runs a piece of work on a loop, never twice at once. Asked for while it runs, it runs once more afterwards.
final class OneAtATime: Sendable {
    private enum State {
        case idle
        case running
        case runningAndAskedAgain
    }

    private let state = Mutex(State.idle)

    /// Returns at once.
    func run(on loop: EventLoop, _ work: @escaping @Sendable () async -> Void) {
        let starts = state.withLock { state in
            let starts = state == .idle
            state = starts ? .running : .runningAndAskedAgain
            return starts
        }
        guard starts else { return }
        loop.spawn {
            repeat { await work() } while self.goesOn()
        }
    }

    private func goesOn() -> Bool {
        state.withLock { state in
            let goesOn = state == .runningAndAskedAgain
            state = goesOn ? .running : .idle
            return goesOn
        }
    }
}
