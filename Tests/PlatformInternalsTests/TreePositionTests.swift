import Foundation
import PlatformInternals
import Testing
import TestSupport

@Suite("Who may talk to whom")
struct TreePositionTests {
    @Test("Agrees with the contract's words on random trees, every pair of each")
    func randomTrees() {
        var (allowed, refused) = (0, 0)
        for seed in 0..<400 as Range<UInt64> {
            let forest = RandomTrees(seed: seed)
            let positions = forest.ids.map { TreePosition(id: $0, ancestors: forest.ancestors(of: $0)) }
            for caller in positions {
                for target in positions {
                    let expected = forest.mayCommunicate(caller.id, target.id)
                    if caller.canCommunicate(with: target) != expected {
                        Issue.record("forest \(seed): \(caller.id) to \(target.id), expected \(expected)")
                    }
                    if expected { allowed += 1 } else { refused += 1 }
                }
            }
        }
        // A forest of nothing but families would prove nothing.
        #expect(allowed > 50_000 && refused > 50_000, "\(allowed) allowed, \(refused) refused")
    }
}
