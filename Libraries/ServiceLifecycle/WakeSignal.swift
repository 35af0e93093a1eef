import Synchronization
import UVLoop

/// A sleep that can be ended early. A wake without a sleeper is stored for the next sleep.
package final class WakeSignal: Sendable {
    private struct State {
        var isPending = false
        var sleeper: UnsafeContinuation<Void, Never>?
        var timer: ScheduledCall?
    }

    private let state = Mutex(State())

    package init() {}

    /// Ends the sleep, the present one or the next.
    package func wake() {
        let (sleeper, timer) = state.withLock { state in
            defer {
                state.isPending = state.sleeper == nil
                state.sleeper = nil
                state.timer = nil
            }
            return (state.sleeper, state.timer)
        }
        timer?.cancel()
        sleeper?.resume()
    }

    /// Clears a stored wake, because the work that it requested begins now.
    package func forget() { state.withLock { $0.isPending = false } }

    /// Sleeps until woken, until the time is over or the task is cancelled. One sleeper at a time.
    package func sleep(atMost duration: Duration, on loop: EventLoop) async {
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let isPending = state.withLock { state in
                    if !state.isPending { state.sleeper = continuation }
                    defer { state.isPending = false }
                    return state.isPending
                }
                if isPending { return continuation.resume() }
                let timer = loop.schedule(after: duration) { self.wake() }
                let isFinished = state.withLock { state in
                    if state.sleeper != nil { state.timer = timer }
                    return state.sleeper == nil
                }
                if isFinished { timer.cancel() }
            }
        } onCancel: {
            wake()
        }
        if Task.isCancelled { state.withLock { $0.isPending = true } }
    }
}
