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
}
