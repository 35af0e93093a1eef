import Foundation

/// Workspaces in random trees, and the contract's words on who of them may talk to whom.
package struct RandomTrees: Sendable {
    /// Parents before their children.
    package let ids: [UUID]
    package let parents: [UUID: UUID]

    /// - Parameter seed: the same seed gives the same forest: chains deeper than the rules go as well as bushes.
    package init(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        // A parent among the last one makes chains, among the last two ladders, among all of them bushes.
        let window = [1, 1, 2, 3, 8, 64].randomElement(using: &random) ?? 1
        let sizes = window == 1 ? 30...48 : 2...48
        let ids = (0..<Int.random(in: sizes, using: &random)).map { _ in UUID.random(using: &random) }
        let rootShare = [0.0, 0.02, 0.2, 0.6].randomElement(using: &random) ?? 0.0
        var parents: [UUID: UUID] = [:]
        for (index, id) in ids.enumerated().dropFirst() where Double.random(in: 0..<1, using: &random) >= rootShare {
            parents[id] = ids[Int.random(in: max(0, index - window)..<index, using: &random)]
        }
        self.ids = ids
        self.parents = parents
    }

    /// Self; siblings; two roots; parent and child; any ancestor and any descendant, 32 levels at most.
    package func mayCommunicate(_ caller: UUID, _ target: UUID) -> Bool {
        caller == target || parents[caller] == parents[target] || reaches(caller, target) || reaches(target, caller)
    }

    /// Siblings, children and the parent.
    package func arePeers(_ one: UUID, _ other: UUID) -> Bool {
        one != other && (parents[one] == parents[other] || parents[one] == other || parents[other] == one)
    }

    private func reaches(_ low: UUID, _ high: UUID) -> Bool {
        var current = low
        for _ in 0..<32 {
            guard let parent = parents[current] else { return false }
            if parent == high { return true }
            current = parent
        }
        return false
    }

    /// The parent first, the root last, however far up.
    package func ancestors(of id: UUID) -> [UUID] {
        Array(
            sequence(state: id) { current in
                guard let parent = parents[current] else { return nil }
                current = parent
                return parent
            })
    }
}

extension UUID {
    /// A UUID that follows from the generator's seed.
    package static func random(using random: inout SeededGenerator) -> UUID {
        var bytes = UUID().uuid
        withUnsafeMutableBytes(of: &bytes) { buffer in
            for index in buffer.indices { buffer[index] = UInt8(truncatingIfNeeded: random.next()) }
        }
        return UUID(uuid: bytes)
    }
}
