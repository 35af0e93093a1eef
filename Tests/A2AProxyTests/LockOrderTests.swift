import Authentication
import EventLoop
import Foundation
import Observability
import PostgresClient
import RedisClient
import TestSupport
import Testing

@Suite("Order of locks") struct LockOrderTests {
    private static let lock = Statement(
        "test_lock", "SELECT 1 FROM workspace_vitals WHERE workspace_id = $1 FOR UPDATE")
    private static let waiting = Statement(
        "test_waiting",
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")
    private static let free = Statement(
        "test_free",
        """
        SELECT count(*) FROM (
          SELECT FROM workspace_vitals WHERE workspace_id = ANY ($1) FOR UPDATE SKIP LOCKED) AS free
        """)

    /// Who waits for the first of several rows must not hold those behind it: another, which holds one of them and comes
    /// to the first, would stop it, and both what stands behind them in their pipelines.
    @Test("Signs of life lock vitals in the order of the ids, whatever the order of the rows")
    func signsOfLife() async throws {
        try await QueueFixture.with { fixture in
            var workspaces: [UUID] = []
            for _ in 0..<20 { workspaces.append(try await fixture.workspace()) }
            workspaces.sort { $0.uuidString < $1.uuidString }
            // Written again last to first, so that the table has the rows in that order.
            for id in workspaces.reversed() {
                _ = try await fixture.postgres.query(
                    Statement("test_move", "UPDATE workspace_vitals SET last_seen_at = NULL WHERE workspace_id = $1"),
                    [id])
            }
            let redis = try RedisClient(
                url: try await SharedServers.redis().url, group: QueueFixture.loops, logger: .disabled,
                metrics: MetricsRegistry())
            let signs = SignsOfLife(postgres: fixture.postgres, redis: redis, logger: .disabled)
            let ids = workspaces
            try await fixture.postgres.transaction { transaction in
                _ = try await transaction.query(Self.lock, [ids[0]])
                for id in ids { signs.record(id) }
                // On a connection of its own: the shared ones may be those that wait.
                try await eventually("the signs wait for the first row") {
                    try await fixture.postgres.transaction { try await $0.query(Self.waiting)[0].int(0) } > 0
                }
                let free = try await transaction.query(Self.free, [Array(ids.dropFirst())])[0].int(0)
                #expect(free == ids.count - 1)
            }
        }
    }
}
