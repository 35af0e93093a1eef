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

    /// However many rows `json_to_recordset` is said to have: a batch locks the items in its own order, and a table of some
    /// megabytes is not read as a whole for each.
    @Test func whatABatchNamesIsLookedUpByItsKey() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            try await fixture.sql(
                """
                INSERT INTO a2a_queue (workspace_id, body) SELECT '\(workspace)', repeat('x', 400)
                FROM generate_series(1, 3000)
                """)
            try await fixture.sql(
                """
                WITH made AS (
                  INSERT INTO workspaces (id, name) SELECT gen_random_uuid(), 'w' FROM generate_series(1, 3000)
                  RETURNING id)
                INSERT INTO workspace_vitals (workspace_id, sample_error) SELECT id, repeat('x', 200) FROM made
                """)
            try await fixture.sql("ANALYZE")
            let finish = try await Self.plan(of: QueueStore.finish, "'[]', '{}', '{}', '{}', 'x', 1", fixture)
            #expect(!finish.contains("Seq Scan on a2a_queue"), "\(finish)")
            #expect(!finish.contains("Seq Scan on workspace_vitals"), "\(finish)")
            let insert = try await Self.plan(of: QueueStore.insert, "'[]', '{}', 1", fixture)
            #expect(!insert.contains("Seq Scan on workspace_vitals"), "\(insert)")
        }
    }

    private static func plan(
        of statement: Statement, _ parameters: String, _ fixture: QueueFixture
    ) async throws -> String {
        let calls = [
            "SET LOCAL plan_cache_mode = force_generic_plan", "PREPARE explained AS \(statement.sql)",
            "EXPLAIN EXECUTE explained (\(parameters))", "DEALLOCATE explained",
        ].map { Call(Statement("", $0)) }
        let answers = try await fixture.postgres.transaction { session in try await session.query(calls) }
        return try answers[2].map { $0.string(0) }.joined(separator: "\n")
    }
}
