import A2AProxy
import Foundation
import Postgres
import ServiceLifecycle
import Testing
import TestSupport
import UVHTTPServer
import UVLoop

@Suite struct ShutdownTests {
    private static let hold = Statement(
        "test_hold", "SELECT pg_advisory_xact_lock(hashtextextended($1::uuid::text, 7205))")
    private static let waiting = Statement(
        "test_waiting_claims",
        """
        SELECT count(*) FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database() AND query LIKE '%pg_advisory_xact_lock%'
        """)
    private static let status = Statement("test_status_of", "SELECT status FROM a2a_queue WHERE id = $1")

    /// Its items would otherwise be undeliverable until their leases expire.
    @Test func waitsForAClaimThatIsUnderWay() async throws {
        let database = try await SharedServers.postgres().makeMigratedDatabase()
        // Of its own: a claim that waits holds up what stands behind it.
        let observer = PostgresPool(url: database, group: QueueFixture.loops, configuration: .unhurried)
        try await LocalAgent.with {
            .text("done")
        } _: { agent in
            try await ProxyFixture.with(database) { proxy in
                let workspace = try await proxy.workspace(at: agent.url)
                let item = try await proxy.item(for: workspace)
                let shutdown = ShutdownSignal()
                let running = Task { try await proxy.service.run(until: shutdown) }
                try await proxy.postgres.transaction { transaction in
                    _ = try await transaction.query(Self.hold, [workspace])
                    proxy.drain.wake([workspace], because: .work)
                    try await eventually("the claim to wait") {
                        try await observer.query(Self.waiting)[0].int(0) > 0
                    }
                    shutdown.give()
                }
                try await running.value
                #expect(try await proxy.postgres.query(Self.status, [item])[0].string(0) == "completed")
            }
        }
        await observer.close()
    }
}
