import Foundation
import Testing
import WorkspaceTree

@Suite("Who may talk to whom")
struct TreePositionTests {
    /// The rule in the words of the contract, over a map of parents.
    private func oracle(_ caller: UUID, _ target: UUID, _ parents: [UUID: UUID]) -> Bool {
        if caller == target { return true }
        if parents[caller] == parents[target] { return true }
        func reaches(_ low: UUID, _ high: UUID) -> Bool {
            var current = low
            for _ in 0..<32 {
                guard let parent = parents[current] else { return false }
                if parent == high { return true }
                current = parent
            }
            return false
        }
        return reaches(caller, target) || reaches(target, caller)
    }

    @Test("Agrees with the contract's words on random trees", arguments: 0..<20)
    func randomTrees(seed: Int) {
        var parents: [UUID: UUID] = [:]
        let ids = (0..<25).map { _ in UUID() }
        for (index, id) in ids.enumerated().dropFirst() where Int.random(in: 0..<5) > 0 {
            parents[id] = ids[Int.random(in: 0..<index)]
        }
        func position(_ id: UUID) -> TreePosition {
            let ancestors = sequence(first: parents[id]) { $0.flatMap { parents[$0] } }.prefix { $0 != nil }
            return TreePosition(id: id, ancestors: ancestors.compactMap { $0 })
        }
        for caller in ids {
            for target in ids {
                #expect(
                    position(caller).canCommunicate(with: position(target)) == oracle(caller, target, parents))
            }
        }
    }
}
