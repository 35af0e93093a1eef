import Synchronization

/// The memory that large answers of all calls may take together while they are held. Who finds none left waits for it, in
/// the order of coming: that there is none is no fault of the agent's, and its work is done.
package final class AnswerBudget: Sendable {
    /// Answers up to this are not counted: there are at most as many as calls, each small.
    static let countedFrom = 64 * 1024

    private struct Waiter {
        let number: Int
        let bytes: Int
        let continuation: UnsafeContinuation<Bool, Never>
    }

    private struct State {
        var free: Int
        var waiters: [Waiter] = []
        var lastNumber = 0
    }

    private let total: Int
    private let state: Mutex<State>

    /// - Parameter bytes: for all calls together.
    package init(bytes: Int) {
        total = bytes
        state = Mutex(State(free: bytes))
    }

    /// Bytes that are not taken.
    package var bytesLeft: Int { state.withLock { $0.free } }

    /// Takes all that an answer may need at once: answers that grew while others wait would wait for each other.
    ///
    /// - Parameter limit: how long to wait for it.
    /// - Returns: nil when there was no room in that time.
    package func share(of bytes: Int, within limit: Duration) async -> AnswerShare? {
        // An answer larger than the budget has all of it to itself.
        let bytes = min(bytes, total)
        return await take(bytes, within: limit) ? AnswerShare(self, bytes) : nil
    }

    private func take(_ bytes: Int, within limit: Duration) async -> Bool {
        await withUnsafeContinuation { continuation in
            let number: Int? = state.withLock { state in
                if state.waiters.isEmpty, state.free >= bytes {
                    state.free -= bytes
                    return nil
                }
                state.lastNumber += 1
                state.waiters.append(Waiter(number: state.lastNumber, bytes: bytes, continuation: continuation))
                return state.lastNumber
            }
            guard let number else { return continuation.resume(returning: true) }
            Task {
                try? await Task.sleep(for: limit)
                giveUp(number)
            }
        }
    }

    private func giveUp(_ number: Int) {
        let waiter: Waiter? = state.withLock { state in
            state.waiters.firstIndex { $0.number == number }.map { state.waiters.remove(at: $0) }
        }
        waiter?.continuation.resume(returning: false)
        // Those behind it may need less.
        give(back: 0)
    }

    fileprivate func give(back bytes: Int) {
        let ready = state.withLock { state in
            state.free += bytes
            var ready: [Waiter] = []
            while let first = state.waiters.first, first.bytes <= state.free {
                state.free -= first.bytes
                ready.append(state.waiters.removeFirst())
            }
            return ready
        }
        for waiter in ready { waiter.continuation.resume(returning: true) }
    }
}

/// One answer's share of the budget, given back when nobody holds the answer any more.
package final class AnswerShare: Sendable {
    private let budget: AnswerBudget
    private let bytes: Atomic<Int>

    fileprivate init(_ budget: AnswerBudget, _ bytes: Int) {
        self.budget = budget
        self.bytes = Atomic(bytes)
    }

    deinit {
        budget.give(back: bytes.load(ordering: .relaxed))
    }

    /// Gives back what an answer of `count` bytes does not need.
    package func shrink(to count: Int) {
        let held = bytes.load(ordering: .relaxed)
        guard count < held else { return }
        bytes.store(count, ordering: .relaxed)
        budget.give(back: held - count)
    }
}
