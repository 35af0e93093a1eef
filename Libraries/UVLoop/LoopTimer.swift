import Concurrency
import CUV
import Synchronization

/// A timer of one loop. Loop thread only, apart from its end: a timer that is dropped closes itself.
package final class LoopTimer {
    final class Context {
        let handler: () -> Void
        init(_ handler: @escaping () -> Void) { self.handler = handler }
    }

    private let loop: EventLoop
    private var handle: LoopHandle<uv_timer_t>?
    /// In place of the handle on a loop whose time is manual.
    private var manual: LoopBound<Context>?

    init(loop: EventLoop, handler: @escaping () -> Void) {
        self.loop = loop
        let context = Context(handler)
        if loop.manualTime == nil {
            handle = LoopHandle(context: context) { uv_timer_init(loop.uvLoop, $0) }
        } else {
            manual = LoopBound(context, on: loop)
        }
    }

    deinit {
        if let manual { loop.execute { [loop] in loop.manualTime?.stop(manual.value) } }
        handle?.close(on: loop)
    }

    /// (Re)starts the timer.
    ///
    /// - Parameters:
    ///   - delay: time to the first call; rounded up to a millisecond.
    ///   - interval: time between further calls; `nil` for one call.
    package func start(after delay: Duration, repeating interval: Duration? = nil) {
        let repetition = interval.map { max(1, $0.milliseconds) }
        if let manual {
            loop.manualTime?.start(manual.value, after: delay.milliseconds, repeating: repetition)
        }
        guard let handle else { return }
        // The loop's clock may be stale after long work; a timer must not fire early.
        uv_update_time(loop.uvLoop)
        uv_timer_start(
            handle.raw,
            { timer in
                guard let context = timer?.pointee.data else { return }
                Unmanaged<Context>.fromOpaque(context).takeUnretainedValue().handler()
            }, delay.milliseconds, repetition ?? 0)
    }

    /// The timer does not fire until it is started again.
    package func stop() {
        if let handle { uv_timer_stop(handle.raw) }
        if let manual { loop.manualTime?.stop(manual.value) }
    }

    /// Ends the timer for good and lets go of its handler.
    package func close() {
        handle?.close()
        handle = nil
        if let manual { loop.manualTime?.stop(manual.value) }
        manual = nil
    }
}

/// A call that will be made once, unless it is cancelled before. Both from any thread.
package final class ScheduledCall: Sendable {
    private enum State {
        case waiting(@Sendable () -> Void)
        case over
    }

    private let state: Mutex<State>
    private let timer = Mutex<LoopBound<LoopTimer>?>(nil)
    private let loop: EventLoop

    init(loop: EventLoop, after delay: Duration, _ work: @escaping @Sendable () -> Void) {
        state = Mutex(.waiting(work))
        self.loop = loop
        loop.execute { self.start(after: delay) }
    }

    private func start(after delay: Duration) {
        guard isWaiting else { return }
        let timer = loop.makeTimer { self.fire() }
        let bound = LoopBound(timer, on: loop)
        self.timer.withLock { $0 = bound }
        timer.start(after: delay)
    }

    private var isWaiting: Bool {
        state.withLock { if case .waiting = $0 { true } else { false } }
    }

    private func fire() {
        let work: (@Sendable () -> Void)? = state.withLock { state in
            guard case .waiting(let work) = state else { return nil }
            state = .over
            return work
        }
        closeTimer()
        work?()
    }

    /// The call will not be made, unless it is being made already.
    package func cancel() {
        // Let go of outside the lock: what the closure keeps may cancel this call as it goes.
        _ = state.withLock { state in
            defer { state = .over }
            return state
        }
        loop.execute { self.closeTimer() }
    }

    private func closeTimer() {
        let timer = self.timer.withLock { timer in
            defer { timer = nil }
            return timer
        }
        timer?.value.close()
    }
}

extension EventLoop {
    /// A stopped timer that calls `handler` on the loop. Loop thread only.
    package func makeTimer(_ handler: @escaping () -> Void) -> LoopTimer {
        LoopTimer(loop: self, handler: handler)
    }

    /// Calls `work` on the loop after `delay`. From any thread.
    @discardableResult
    package func schedule(after delay: Duration, _ work: @escaping @Sendable () -> Void) -> ScheduledCall {
        ScheduledCall(loop: self, after: delay, work)
    }

    /// Calls `work` on the loop after `delay`. Loop thread only, so that `work` may keep what belongs to the loop; the
    /// call may be cancelled from any thread.
    @discardableResult
    package func post(after delay: Duration, _ work: @escaping () -> Void) -> ScheduledCall {
        let call = LoopBound(LocalCall(work), on: self)
        return schedule(after: delay) { call.value.work() }
    }

    /// Waits without holding a thread.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    package func sleep(for delay: Duration) async throws {
        let sleeper = Sleeper()
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard sleeper.begin(continuation) else { return }
                sleeper.attach(schedule(after: delay) { sleeper.end(.success(())) })
            }
        } onCancel: {
            sleeper.end(.failure(CancellationError()))
        }
    }
}

/// A call that stays on its loop.
private final class LocalCall {
    let work: () -> Void
    init(_ work: @escaping () -> Void) { self.work = work }
}

/// The race between a timer and a cancellation: the first one resumes the sleeper.
private final class Sleeper: Sendable {
    private struct State {
        var continuation: CheckedContinuation<Void, any Error>?
        var call: ScheduledCall?
        var isFinished = false
    }

    private let state = Mutex(State())

    /// - Returns: false when the sleep was cancelled before it began; the continuation is resumed then.
    func begin(_ continuation: CheckedContinuation<Void, any Error>) -> Bool {
        let isFinished = state.withLock { state in
            if !state.isFinished { state.continuation = continuation }
            return state.isFinished
        }
        if isFinished { continuation.resume(throwing: CancellationError()) }
        return !isFinished
    }

    func attach(_ call: ScheduledCall) {
        let isFinished = state.withLock { state in
            state.call = call
            return state.isFinished
        }
        if isFinished { call.cancel() }
    }

    func end(_ result: Result<Void, any Error>) {
        let (continuation, call) = state.withLock { state in
            state.isFinished = true
            defer { state.continuation = nil }
            return (state.continuation, state.call)
        }
        call?.cancel()
        continuation?.resume(with: result)
    }
}
