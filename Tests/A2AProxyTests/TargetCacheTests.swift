import A2AProxy
import Concurrency
import Contracts
import Foundation
import PlatformInternals
import Synchronization
import Testing
import TestSupport

@Suite struct TargetCacheTests {
    /// Loads that wait for a gate, and how many there were.
    private final class Loads: Sendable {
        let gate: Mutex<Gate?> = Mutex(nil)
        let count = Atomic(0)

        func cache(limit: Int = 100) -> TargetCache {
            TargetCache(limit: limit) { ids in
                self.count.wrappingAdd(1, ordering: .relaxed)
                await self.gate.withLock { $0 }?.wait()
                return ids.map { Target(position: TreePosition(id: $0, ancestors: []), status: .online, url: nil) }
            }
        }
    }

    /// Where many workspaces flap, the cache would else be of no use to any other.
    @Test func anInvalidationLeavesOtherLoadsAlone() async throws {
        let loads = Loads()
        let cache = loads.cache()
        let (id, other) = (UUID(), UUID())
        for forgotten in [id, other] {
            let gate = Gate()
            loads.gate.withLock { $0 = gate }
            let began = loads.count.load(ordering: .relaxed)
            async let loaded = cache.find(id)
            try await eventually("the load to begin") { loads.count.load(ordering: .relaxed) > began }
            cache.forget(forgotten)
            gate.open()
            #expect(try await loaded?.id == id)
            #expect((cache.known(id, at: .now) == nil) == (forgotten == id))
        }
        cache.forgetAll()
        #expect(cache.known(id, at: .now) == nil)
    }

    @Test func whatIsTooMuchGoesInParts() async throws {
        let cache = Loads().cache(limit: 10)
        let ids = (0..<100).map { _ in UUID() }
        for (index, id) in ids.enumerated() {
            _ = try await cache.find(id)
            let kept = ids.count { cache.known($0, at: .now) != nil }
            #expect(kept <= 10 && kept >= min(index + 1, 5))
            #expect(cache.known(id, at: .now) != nil)
        }
    }

    /// The retry of a call that could not connect once used what had been read a moment before the agent moved.
    @Test func reloadingIgnoresTheCache() async throws {
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

    @Test("A move evicts the workspace and its descendants, and no others")
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
            // By a clock that stands still: only evicted entries are unknown.
            #expect(cache.known(child, at: now - .seconds(1)) == nil)
            #expect(cache.known(grandchild, at: now - .seconds(1)) == nil)
            for id in [root, sibling, ids[4]] { #expect(cache.known(id, at: now - .seconds(1)) != nil) }
        }
    }
}
