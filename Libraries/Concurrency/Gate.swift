import Synchronization

/// A one-shot event: once it is open, all waiters continue, and later ones do not wait.
package final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var callbacks: [@Sendable () -> Void] = []
    }

    private let state = Mutex(State())

    /// A closed gate.
    package init() {}

    /// Whether it was opened.
    package var isOpen: Bool { state.withLock { $0.isOpen } }

    /// Lets all waiters continue, and all later ones. Opening it again does nothing.
    package func open() {
        let callbacks = state.withLock { state in
            state.isOpen = true
            defer { state.callbacks = [] }
            return state.callbacks
        }
        for callback in callbacks { callback() }
    }

    /// Calls `callback` once the gate is open, at once when it is already.
    package func onOpen(_ callback: @escaping @Sendable () -> Void) {
        let isOpen = state.withLock { state in
            if !state.isOpen { state.callbacks.append(callback) }
            return state.isOpen
        }
        if isOpen { callback() }
    }

    /// Returns once the gate is open, also in a cancelled task.
    package func wait() async {
        await withCheckedContinuation { continuation in onOpen { continuation.resume() } }
    }
}
