import AMQP
import EventOutbox
import Observability
import Postgres
import Sweeper
import Testing
import TestSupport

@Suite("Events that were left unpublished")
struct EventRelayPassTests {
    private static let add = Statement(
        "test_events",
        """
        INSERT INTO structure_events (type, workspace_id, source, data, created_at)
        SELECT 'a2a.failed', gen_random_uuid(), 'switchyard/a2a-proxy',
          ('{"error":"' || repeat('x', $2) || '"}')::json, now() - interval '1 minute'
        FROM generate_series(1, $1)
        """)
    private static let left = Statement(
        "test_left", "SELECT count(*) FROM event_outbox")

    /// A pass over a database of its own, with a publisher that is ready.
    private func with(
        _ configuration: AMQPPublisher.Configuration = .init(),
        _ body: (PostgresPool, EventRelayPass) async throws -> Void
    ) async throws {
        try await withMigratedPool("relay") { pool in
            let publisher = try AMQPPublisher(
                urls: try await SharedServers.rabbit().makeVirtualHost("relay"),
                topology: AMQPTopology([]), configuration: configuration, logger: .disabled,
                metrics: MetricsRegistry())
            let running = Task { try await publisher.run() }
            defer { running.cancel() }
            try await eventually("the publisher") { publisher.isReady }
            try await body(pool, EventRelayPass(postgres: pool, publisher: publisher, logger: .disabled))
            #expect(try await pool.query(Self.left)[0].int(0) == 0)
        }
    }

    @Test("One that can never be published keeps none of the others back, and is not tried for ever")
    func unpublishable() async throws {
        try await with { pool, pass in
            _ = try await pool.query(Self.add, [5, 10])
            // More than the publisher takes as one message.
            _ = try await pool.query(Self.add, [1, 17 << 20], deadline: .seconds(60))
            _ = try await pool.query(Self.add, [5, 10])
            #expect(try await pass.run() == ["relayed": 11])
        }
    }

    @Test("What is no more in the log keeps nothing back")
    func pruned() async throws {
        try await with { pool, pass in
            _ = try await pool.query(Self.add, [600, 10])
            _ = try await pool.query(Statement("test_prune", "DELETE FROM structure_events WHERE sequence <= 550"))
            #expect(try await pass.run() == ["relayed": 50])
        }
    }

    @Test("Those too large to be published together are published all the same")
    func large() async throws {
        var configuration = AMQPPublisher.Configuration()
        configuration.maxBufferedBytes = 20 << 20
        try await with(configuration) { pool, pass in
            // More than the publisher takes in at once.
            _ = try await pool.query(Self.add, [8, 3_000_000], deadline: .seconds(60))
            _ = try await pool.query(Self.add, [20, 10])
            #expect(try await pass.run() == ["relayed": 28])
        }
    }
}
