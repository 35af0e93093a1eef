import Synchronization

/// The memory that large answers of all calls may take together while they are held.
package final class AnswerBudget: Sendable {
    /// Answers that announce no more than this are not counted: there are at most as many as calls, each small.
    static let countedFrom = 64 * 1024

    private let free: Atomic<Int>

    /// - Parameter bytes: for all calls together.
    package init(bytes: Int) {
        free = Atomic(bytes)
    }

    /// Bytes that are not taken.
    package var bytesLeft: Int { free.load(ordering: .relaxed) }

    fileprivate func take(_ bytes: Int) -> Bool {
        if free.wrappingSubtract(bytes, ordering: .relaxed).newValue >= 0 { return true }
        give(back: bytes)
        return false
    }

    fileprivate func give(back bytes: Int) {
        free.wrappingAdd(bytes, ordering: .relaxed)
    }
}

/// One answer's share of the budget, given back when nobody holds the answer any more.
///
/// `@unchecked Sendable`: `bytes` grows only while the one task that reads the answer holds it.
package final class AnswerShare: @unchecked Sendable {
    private let budget: AnswerBudget
    private var bytes = 0

    package init(_ budget: AnswerBudget) {
        self.budget = budget
    }

    deinit {
        budget.give(back: bytes)
    }

    /// - Returns: false when the budget is used up.
    package func grow(by count: Int) -> Bool {
        guard budget.take(count) else { return false }
        bytes += count
        return true
    }
}
