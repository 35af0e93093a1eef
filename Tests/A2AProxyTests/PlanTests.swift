import A2AProxy
import Foundation
import Postgres
import Testing

/// Plans that connections keep, made while the queue is empty, as it is when a platform starts.
@Suite struct PlanTests {
    /// It runs every second, however much waits.
    @Test func theSearchForWhatIsDueReadsWhatIsDueAlone() async throws {
        try await QueueFixture.with { fixture in
            let calls = [
                "SET LOCAL plan_cache_mode = force_generic_plan", "SET LOCAL enable_seqscan = off",
                "PREPARE explained AS \(QueueStore.due.sql)", "EXPLAIN EXECUTE explained (5)", "DEALLOCATE explained",
            ].map { Call(Statement("", $0)) }
            let results = try await fixture.postgres.transaction { session in try await session.query(calls) }
            let plan = try results[3].map { $0.string(0) }.joined(separator: "\n")
            #expect(plan.contains("Index Scan using a2a_queue_timer"), "\(plan)")
            #expect(plan.contains("Index Scan using a2a_queue_held"), "\(plan)")
            #expect(!plan.contains("Filter: "), "\(plan)")
        }
    }
}
