import Synchronization

/// The memory that large answers of all calls may take together while they are held. Who finds none left waits for it, in
/// the order of coming: that there is none is no fault of the agent's, and its work is done.
///
/// Answers take it as they grow, so that they might wait for each other. Therefore one at a time may go beyond the
/// budget and needs not wait: it comes to its end, and gives back what the next one needs.
package final class AnswerBudget: Sendable {
    /// Answers up to this are not counted: there are at most as many as calls, each small.
    static let countedFrom = 64 * 1024

    fileprivate enum Grant {
        case within
        /// From now on the share is the one that goes beyond the budget.
        case beyond
    }

    private struct Waiter {
        let number: Int
        let bytes: Int
        let continuation: UnsafeContinuation<Grant?, Never>
    }

    private struct State {
        /// Below zero while one answer goes beyond.
        var free: Int
        var isExceeded = false
        /// There are some only while one answer goes beyond.
        var waiters: [Waiter] = []
        var lastNumber = 0

        mutating func grant(_ bytes: Int) -> Grant? {
            guard bytes > free else {
                free -= bytes
                return .within
            }
            guard !isExceeded else { return nil }
            isExceeded = true
            free -= bytes
            return .beyond
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

    /// Takes what the share that is beyond the budget needs.
    fileprivate func exceed(by bytes: Int) {
        state.withLock { $0.free -= bytes }
    }

    /// - Returns: nil when there was no room in time, or the task was cancelled.
    fileprivate func take(_ bytes: Int, within limit: Duration) async -> Grant? {
        let (grant, number) = state.withLock { state -> (Grant?, Int) in
            state.lastNumber += 1
            return (state.waiters.isEmpty ? state.grant(bytes) : nil, state.lastNumber)
        }
        if let grant { return grant }
        var timer: Task<Void, Never>?
        defer { timer?.cancel() }
        return await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                wait(Waiter(number: number, bytes: bytes, continuation: continuation))
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
        waiter?.continuation.resume(returning: nil)
        // Those behind it may need less.
        give(back: 0)
    }

    fileprivate func give(back bytes: Int, endingExcess: Bool = false) {
        let ready = state.withLock { state in
            state.free += bytes
            if endingExcess { state.isExceeded = false }
            var ready: [(Waiter, Grant)] = []
            while let first = state.waiters.first, let grant = state.grant(first.bytes) {
                ready.append((first, grant))
                state.waiters.removeFirst()
            }
            return ready
        }
        for (waiter, grant) in ready { waiter.continuation.resume(returning: grant) }
    }
}

/// One answer's share of the budget, given back when nobody holds the answer any more.
package final class AnswerShare: Sendable {
    private struct Held {
        var bytes = 0
        var isBeyond = false
    }

    private let budget: AnswerBudget
    private let held = Mutex(Held())

    fileprivate init(_ budget: AnswerBudget) {
        self.budget = budget
    }

    deinit {
        let held = held.withLock { $0 }
        budget.give(back: held.bytes, endingExcess: held.isBeyond)
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
        let held = held.withLock { $0 }
        guard count > held.bytes else { return true }
        let step = max(count, min(most, max(2 * held.bytes, 2 * AnswerBudget.countedFrom))) - held.bytes
        if held.isBeyond {
            budget.exceed(by: step)
        } else {
            guard let grant = await budget.take(step, within: limit) else { return false }
            if grant == .beyond { self.held.withLock { $0.isBeyond = true } }
        }
        self.held.withLock { $0.bytes += step }
        return true
    }

    /// Gives back what an answer of `count` bytes does not need.
    package func shrink(to count: Int) {
        let surplus = held.withLock { held in
            defer { held.bytes = min(held.bytes, count) }
            return max(0, held.bytes - count)
        }
        if surplus > 0 { budget.give(back: surplus) }
    }
}
