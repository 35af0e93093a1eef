import A2AProxy
import EventOutbox
import Foundation
import Postgres
import Testing

@Suite struct DropStaleTests {
    private static let lock = Statement("test_lock_item", "SELECT FROM a2a_queue WHERE id = $1 FOR UPDATE")

    private func drop(_ fixture: QueueFixture) async throws -> Int {
        let outcome = try await fixture.queue.dropStale(minutes: 60, of: nil, reason: "dropped as stale")
        #expect(outcome.events.count == outcome.dropped)
        return outcome.dropped
    }

    @Test func comesInBatches() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            try await fixture.sql(
                """
                INSERT INTO a2a_queue (workspace_id, body, enqueued_at)
                SELECT '\(workspace)', '{}', now() - interval '2 hours' FROM generate_series(1, 700)
                """)
            _ = try await fixture.item(workspace, "fresh")
            #expect(try await drop(fixture) == 500)
            #expect(try await drop(fixture) == 200)
            #expect(try await drop(fixture) == 0)
            #expect(try await fixture.sql("SELECT idempotency_key FROM a2a_queue WHERE status = 'queued'") == "fresh")
        }
    }

    /// Others lock items in an order of their own: who waited for one of them could stop them, and they it.
    @Test func leavesWhatIsInHand() async throws {
        try await QueueFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let held = try await fixture.item(workspace, "held")
            _ = try await fixture.item(workspace, "other")
            try await fixture.sql("UPDATE a2a_queue SET enqueued_at = now() - interval '2 hours'")
            try await fixture.postgres.transaction { transaction in
                _ = try await transaction.query(Self.lock, [held])
                #expect(try await drop(fixture) == 1)
            }
            #expect(try await drop(fixture) == 1)
        }
    }
}
