import Contracts
import Foundation

/// What several writers did to one workspace at the same time, and whether doing it one after the other explains it.
///
/// The search of Wing and Gong: an order of the steps in which none comes before one that had ended when it began, each
/// does what the rules say, got that result, and the last leaves the status that was found.
struct RaceHistory {
    let steps: [RaceStep]
    let start: WorkspaceStatus
    let end: WorkspaceStatus
    /// For how long a workspace must have been silent before a sweep takes it offline.
    let silence: Duration

    private struct Position: Hashable {
        var done: UInt64 = 0
        var status: WorkspaceStatus
        /// The step from which silence counts.
        var lastLiveness: Int?
    }

    var isExplained: Bool {
        precondition(steps.count < 64)
        var seen: Set<Position> = []
        var waiting = [Position(status: start)]
        while let position = waiting.popLast() {
            guard seen.insert(position).inserted else { continue }
            let left = steps.indices.filter { position.done & 1 << $0 == 0 }
            if left.isEmpty, position.status == end { return true }
            // A step that began after another had ended comes after it.
            let horizon = left.map { steps[$0].ended }.min()
            for index in left where horizon.map({ steps[index].began <= $0 }) ?? true {
                if let next = taking(index, from: position) { waiting.append(next) }
            }
        }
        return false
    }

    private func taking(_ index: Int, from position: Position) -> Position? {
        let step = steps[index]
        guard step.outcome(in: position.status) == step.result else { return nil }
        if case .sweep = step.action, let lastLiveness = position.lastLiveness,
            steps[lastLiveness].began + silence > step.ended
        {
            return nil
        }
        var next = position
        next.done |= 1 << index
        if case .became(let status) = step.result { next.status = status }
        if step.endsSilence(step.result) { next.lastLiveness = index }
        return next
    }
}
