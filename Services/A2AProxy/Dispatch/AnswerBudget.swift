import Synchronization

/// The memory that large answers of all calls may take together while they are held. Who finds none left waits for it, in
/// the order of coming: that there is none is no fault of the agent's, and its work is done.
///
/// Answers take it as they grow, so that they might wait for each other. Therefore one at a time may go beyond the
/// budget and needs not wait: it comes to its end, and gives back what the next one needs.
package final class AnswerBudget: Sendable {
    /// Answers up to this are not counted: there are at most as many as calls, each small.
    static let countedFrom = 64 * 1024

    private struct Waiter {
        let number: Int
        let share: ObjectIdentifier
        let bytes: Int
        let continuation: UnsafeContinuation<Bool, Never>
    }

    private struct State {
        /// Below zero only while one answer goes beyond.
        var free: Int
        /// The share of the answer that may go beyond, until what is taken fits again.
        var beyond: ObjectIdentifier?
        /// There are some only while one answer may go beyond.
        var waiters: [Waiter] = []
        var lastNumber = 0

        mutating func grant(_ bytes: Int, to share: ObjectIdentifier) -> Bool {
            if bytes > free, beyond != share {
                guard beyond == nil else { return false }
                beyond = share
            }
            free -= bytes
            return true
        }
    }

    private let state: Mutex<State>

    /// - Parameter bytes: for all calls together; one answer may go beyond.
    package init(bytes: Int) {
        state = Mutex(State(free: bytes))
    }

    /// Bytes that are not taken.
    package var bytesLeft: Int { state.withLock { $0.free } }

    /// How many answers wait.
    package var waiting: Int { state.withLock { $0.waiters.count } }

    /// A share of nothing yet, for one answer.
    package func makeShare() -> AnswerShare { AnswerShare(self) }

    /// - Returns: false when there was no room in time, or the task was cancelled.
    fileprivate func take(_ bytes: Int, for share: ObjectIdentifier, within limit: Duration) async -> Bool {
        let number: Int? = state.withLock { state in
            let isNext = state.waiters.isEmpty || state.beyond == share
            if isNext, state.grant(bytes, to: share) { return nil }
            state.lastNumber += 1
            return state.lastNumber
        }
        guard let number else { return true }
        var timer: Task<Void, Never>?
        defer { timer?.cancel() }
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                wait(Waiter(number: number, share: share, bytes: bytes, continuation: continuation))
                // The handler may have run before there was anybody to give up.
                if Task.isCancelled { giveUp(number) }
                timer = Task {
                    if (try? await Task.sleep(for: limit)) != nil { giveUp(number) }
                }
            }
        } onCancel: {
            giveUp(number)
        }
    }

    private func wait(_ waiter: Waiter) {
        state.withLock { $0.waiters.append(waiter) }
        // What was given back in between may be enough.
        give(back: 0)
    }

    private func giveUp(_ number: Int) {
        let waiter: Waiter? = state.withLock { state in
            state.waiters.firstIndex { $0.number == number }.map { state.waiters.remove(at: $0) }
        }
        waiter?.continuation.resume(returning: false)
        // Those behind it may need less.
        give(back: 0)
    }

    /// What was taken fits again once the one that went beyond has ended, if not before.
    fileprivate func give(back bytes: Int) {
        let ready = state.withLock { state in
            state.free += bytes
            if state.free >= 0 { state.beyond = nil }
            var ready: [Waiter] = []
            while let first = state.waiters.first, state.grant(first.bytes, to: first.share) {
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
    private let bytes = Atomic(0)

    fileprivate init(_ budget: AnswerBudget) {
        self.budget = budget
    }

    deinit {
        budget.give(back: bytes.load(ordering: .relaxed))
    }

    /// Takes memory for an answer that is being read. In steps, each as large as what is held: what an agent announces, or
    /// may yet send, takes nothing from others before it comes.
    ///
    /// - Parameters:
    ///   - count: the answer's length so far.
    ///   - most: what it may come to.
    ///   - limit: how long to wait for room.
    /// - Returns: false when there was none in that time, or the task was cancelled.
    package func grow(to count: Int, ofAtMost most: Int, within limit: Duration) async -> Bool {
        let held = bytes.load(ordering: .relaxed)
        guard count > held else { return true }
        let step = max(count, min(most, max(2 * held, 2 * AnswerBudget.countedFrom))) - held
        guard await budget.take(step, for: ObjectIdentifier(self), within: limit) else { return false }
        bytes.store(held + step, ordering: .relaxed)
        return true
    }

    /// Gives back what an answer of `count` bytes does not need.
    package func shrink(to count: Int) {
        let held = bytes.load(ordering: .relaxed)
        guard count < held else { return }
        bytes.store(count, ordering: .relaxed)
        budget.give(back: held - count)
    }
}
