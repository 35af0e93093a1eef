import Synchronization

/// Waiting for the end of a task.
package enum Cancellation {
    private enum State {
        case new
        case waiting(CheckedContinuation<Void, Never>)
        case cancelled
    }

    /// Returns when the current task is cancelled.
    package static func wait() async {
        let state = Shared()
        await withTaskCancellationHandler {
            await withCheckedContinuation { state.wait($0) }
        } onCancel: {
            state.end()
        }
    }

    private final class Shared: Sendable {
        private let state = Mutex(State.new)

        func wait(_ continuation: CheckedContinuation<Void, Never>) {
            let isCancelled = state.withLock { state in
                if case .cancelled = state { return true }
                state = .waiting(continuation)
                return false
            }
            if isCancelled { continuation.resume() }
        }

        func end() {
            let waiting: CheckedContinuation<Void, Never>? = state.withLock { state in
                defer { state = .cancelled }
                if case .waiting(let continuation) = state { return continuation }
                return nil
            }
            waiting?.resume()
        }
    }
}
