import Concurrency
import Synchronization

/// The signal for a service to stop: given once, never reset.
package final class ShutdownSignal: Sendable {
    private struct State {
        var isGiven = false
        var nextID = 0
        var callbacks: [Int: @Sendable () -> Void] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package var isGiven: Bool { state.withLock { $0.isGiven } }

    /// Gives the signal; later calls do nothing. Callbacks run on the caller's thread.
    package func give() {
        let callbacks = state.withLock { state in
            state.isGiven = true
            defer { state.callbacks = [:] }
            return state.callbacks.sorted { $0.key < $1.key }.map(\.value)
        }
        for callback in callbacks { callback() }
    }

    /// Calls `callback` once when the signal is given, at once when it was given already.
    ///
    /// - Returns: the registration, which can be cancelled. Dropping it does not cancel it.
    @discardableResult
    package func onShutdown(_ callback: @escaping @Sendable () -> Void) -> Registration {
        let id: Int? = state.withLock { state in
            guard !state.isGiven else { return nil }
            state.nextID += 1
            state.callbacks[state.nextID] = callback
            return state.nextID
        }
        if id == nil { callback() }
        return Registration(signal: self, id: id)
    }

    /// Returns when the signal is given, or when the task is cancelled.
    package func wait() async {
        let registration = Mutex<Registration?>(nil)
        let gate = Gate()
        await withTaskCancellationHandler {
            let made = onShutdown { gate.open() }
            registration.withLock { $0 = made }
            await gate.wait()
        } onCancel: {
            gate.open()
        }
        registration.withLock { $0?.cancel() }
    }

    /// Runs work that ends by cancellation: cancels it when the signal is given, and returns when it has ended.
    ///
    /// Work that ends by itself ends this, too, so that its service does not outlive it: a service that throws, or
    /// returns before the signal, is a failure of its ``ServiceGroup``.
    ///
    /// - Parameter executor: the work's executor, the global pool when nil.
    /// - Throws: what the work throws.
    package func cancelling(
        on executor: (any TaskExecutor)? = nil, _ work: @escaping @Sendable () async throws -> Void
    ) async throws {
        let task = Task(executorPreference: executor) { try await work() }
        let registration = onShutdown { task.cancel() }
        defer { registration.cancel() }
        try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    /// A registered callback, which can be cancelled.
    package struct Registration: Sendable {
        fileprivate let signal: ShutdownSignal
        fileprivate let id: Int?

        package func cancel() {
            guard let id else { return }
            _ = signal.state.withLock { $0.callbacks.removeValue(forKey: id) }
        }
    }
}
