import AMQP
import EventOutbox
import Foundation
import Observability
import Postgres
import Testing
import TestSupport

@testable import Sweeper

@Suite("Pass of leases")
struct LeasePassTests {
    /// One whose lease ran out, and one that expired.
    private static let fill = Statement(
        "test_fill",
        """
        INSERT INTO a2a_queue (workspace_id, body, status, lease_owner, lease_until, expires_at) VALUES
            (gen_random_uuid(), 'lost', 'dispatched', 'dead', now() - interval '1 s', now() + interval '1 day'),
            (gen_random_uuid(), 'old', 'queued', NULL, NULL, now() - interval '1 s')
        """)
    private static let states = Statement("test_states", "SELECT status FROM a2a_queue ORDER BY body")

    @Test(
        "What is wrong with one half does not stop the other",
        arguments: [
            ("status = 'queued' AND delivery_uncertain", ["dispatched", "dropped"]),
            ("status = 'dropped'", ["queued", "queued"]),
        ])
    func halves(forbidden: String, states: [String]) async throws {
        try await withMigratedPool("sweeper") { pool in
            let metrics = MetricsRegistry()
            // The broker is away: what is committed stays in the outbox.
            let publisher = try AMQPPublisher(
                urls: "amqp://guest:guest@127.0.0.1:1/", topology: AMQPTopology([]), logger: .disabled, metrics: metrics
            )
            let pass = LeasePass(
                store: ExpiredLeaseStore(postgres: pool, source: "s"),
                relay: EventRelay(postgres: pool, publisher: publisher, logger: .disabled, metrics: metrics))
            _ = try await pool.query(Self.fill)
            _ = try await pool.query(
                Statement("test_poison", "ALTER TABLE a2a_queue ADD CONSTRAINT poison CHECK (NOT (\(forbidden)))"))
            await #expect(throws: PostgresError.self) { try await pass.run() }
            #expect(try await pool.query(Self.states).map { $0.string(0) } == states)
            _ = try await pool.query(Statement("test_antidote", "ALTER TABLE a2a_queue DROP CONSTRAINT poison"))
            _ = try await pass.run()
            #expect(try await pool.query(Self.states).map { $0.string(0) } == ["queued", "dropped"])
        }
    }
}
