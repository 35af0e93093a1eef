import Synchronization

/// Waiting for the end of a task.
enum Cancellation {
    private enum State {
        case new
        case waiting(CheckedContinuation<Void, Never>)
        case over
    }

    /// Returns when the current task is cancelled.
    static func wait() async {
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
            let isOver = state.withLock { state in
                if case .over = state { return true }
                state = .waiting(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }

        func end() {
            let waiting: CheckedContinuation<Void, Never>? = state.withLock { state in
                defer { state = .over }
                if case .waiting(let continuation) = state { return continuation }
                return nil
            }
            waiting?.resume()
        }
    }
}
