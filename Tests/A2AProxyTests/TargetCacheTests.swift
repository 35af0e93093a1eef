import A2AProxy
import Foundation
import Testing

@Suite struct TargetCacheTests {
    /// The second try of a call that found nobody once used what had been read a moment before the agent moved.
    @Test func reloadingNeverBelievesWhatIsKept() async throws {
        try await QueueFixture.with { fixture in
            let id = try await fixture.workspace()
            let cache = TargetCache(store: TargetStore(postgres: fixture.postgres))
            for number in 0..<20 {
                _ = try await cache.find(id)
                try await fixture.sql("UPDATE workspaces SET name = 'moved \(number)'")
                #expect(try await cache.reloaded(id)?.name == "moved \(number)")
            }
        }
    }

    @Test("A move forgets the workspace and those below it, and nobody else")
    func subtree() async throws {
        try await QueueFixture.with { fixture in
            var ids: [UUID] = []
            for _ in 0..<5 { ids.append(try await fixture.workspace()) }
            let (root, child, grandchild, sibling) = (ids[0], ids[1], ids[2], ids[3])
            for (id, parent) in [(child, root), (grandchild, child), (sibling, root)] {
                try await fixture.sql("UPDATE workspaces SET parent_id = '\(parent)' WHERE id = '\(id)'")
            }
            let cache = TargetCache(store: TargetStore(postgres: fixture.postgres))
            for id in ids { _ = try await cache.find(id) }
            cache.forgetSubtree(of: child)
            let now = ContinuousClock.now
            // By a clock that stands still: only what was forgotten is unknown.
            #expect(cache.known(child, at: now - .seconds(1)) == nil)
            #expect(cache.known(grandchild, at: now - .seconds(1)) == nil)
            for id in [root, sibling, ids[4]] { #expect(cache.known(id, at: now - .seconds(1)) != nil) }
        }
    }
}
