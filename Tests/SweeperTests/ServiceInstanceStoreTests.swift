import Foundation
import Postgres
import Testing
import TestSupport

@testable import Sweeper

@Suite("Instances in Postgres")
struct ServiceInstanceStoreTests {
    @Test("An instance is alive as long as it was seen of late")
    func alive() async throws {
        try await withMigratedPool("instances") { pool in
            _ = try await pool.query(
                Statement(
                    "test_fill",
                    """
                    INSERT INTO service_instances (instance, service, version, started_at, last_seen_at, address, is_ready,
                        not_ready_since, dependencies)
                    VALUES ('b', 'registry', '1', now(), now() - interval '20 s', 'h:1', true, NULL, '{}'),
                        ('a', 'registry', '1', now() - interval '1 h', now() - interval '31 s', 'h:2', false, now(),
                            '{"redis":"down"}')
                    """))
            let found = try await ServiceInstanceStore(postgres: pool).all()
            #expect(found.map(\.instance) == ["a", "b"])
            #expect(found.map(\.isAlive) == [false, true])
            #expect(found[0].notReadySince != nil && found[1].notReadySince == nil)
        }
    }

    @Test("Events that wait are counted, with the age of the oldest")
    func unpublished() async throws {
        try await withMigratedPool("instances", configuration: .waitingForLocks) { pool in
            let store = ServiceInstanceStore(postgres: pool)
            #expect(try await store.unpublished() == UnpublishedEvents(count: 0, oldestSeconds: nil))
            _ = try await pool.query(
                Statement(
                    "test_fill",
                    """
                    INSERT INTO structure_events (type, source, created_at)
                    SELECT 'x', 't', now() - make_interval(secs => age) FROM unnest(ARRAY[100, 50]) AS age
                    """))
            let waiting = try await store.unpublished()
            #expect(waiting.count == 2 && (100..<160).contains(waiting.oldestSeconds ?? 0))
            #expect(try await othersGoOn(pool, whileReading: "event_outbox") { _ = try await store.unpublished() })
        }
    }
}
