import Contracts
import EventOutbox
import Foundation
import Postgres
import Sweeper
import Testing
import TestSupport

@Suite("Sweeps in Postgres")
struct SweepStoreTests {
    private static let add = Statement(
        "test_add",
        """
        WITH w AS (
            INSERT INTO workspaces (id, name, status, external, status_changed_at)
            VALUES ($1, 'w', $2::workspace_status, $3, now() - interval '1 hour') RETURNING id
        )
        INSERT INTO workspace_vitals (workspace_id, last_heartbeat_at, last_seen_at)
        SELECT id, now() - make_interval(secs => $4), now() - make_interval(secs => $5) FROM w
        """)

    /// As after a sweeper that has run quietly for longer than the grace.
    private static let settle = Statement(
        "test_settle",
        """
        INSERT INTO platform_state (key, value) SELECT 'liveness.' || s, json_build_object(
            'lastPassAt', extract(epoch FROM now()) - 978307200, 'allowance', 0,
            'databaseStartedAt', extract(epoch FROM pg_postmaster_start_time()) - 978307200)
        FROM unnest(ARRAY['ours', 'remote']) s
        """)

    private static let offline = Statement(
        "test_offline", "SELECT id FROM workspaces WHERE status = 'offline' ORDER BY id")

    @Test("Silent ones go offline, those with any liveness stay, each with one event")
    func liveness() async throws {
        try await withMigratedPool("sweeper") { pool in
            let (silent, beating, seen, remote, paused) = (UUID(), UUID(), UUID(), UUID(), UUID())
            for (id, status, external, beat, sign) in [
                (silent, "online", false, 200.0, 200.0), (beating, "online", false, 10, 400),
                (seen, "degraded", false, 400, 10), (remote, "online", true, 100, 100),
                (paused, "paused", false, 900, 900),
            ] as [(UUID, String, Bool, Double, Double)] {
                _ = try await pool.query(Self.add, [id, status, external, beat, sign])
            }
            _ = try await pool.query(Self.settle)
            let store = LivenessStore(postgres: pool, source: "switchyard/sweeper")
            let managed = try #require(try await store.sweep(.managed, ttl: 180))
            #expect(managed.offline == 1)
            #expect(managed.events.map(\.event.subject) == [silent])
            let theirs = try #require(try await store.sweep(.remote, ttl: 90))
            #expect(theirs.events.map(\.event.subject) == [remote])
            let offline = try await pool.query(Self.offline).map { $0.uuid(0) }
            #expect(Set(offline) == [silent, remote])
            #expect(try await store.sweep(.managed, ttl: 180)?.offline == 0)
        }
    }

    @Test("The first pass ever takes none offline")
    func firstPass() async throws {
        try await withMigratedPool("sweeper") { pool in
            _ = try await pool.query(Self.add, [UUID(), "online", false, 900.0, 900.0])
            let outcome = try await LivenessStore(postgres: pool, source: "s").sweep(.managed, ttl: 180)
            #expect(outcome?.offline == 0)
            #expect(outcome?.held == .grace)
        }
    }

    private static let addMany = Statement(
        "test_add_many",
        """
        WITH w AS (
            INSERT INTO workspaces (id, name, status, status_changed_at, managed)
            SELECT gen_random_uuid(), 'w', 'online', now() - interval '1 hour', true FROM generate_series(1, $1::int)
            RETURNING id
        )
        INSERT INTO workspace_vitals (workspace_id, last_heartbeat_at, last_seen_at)
        SELECT id, now() - make_interval(secs => $2), NULL FROM w
        """)
    private static let publishedEvents = Statement(
        "test_published_events", "SELECT type, data FROM structure_events WHERE type LIKE 'sweep.%' ORDER BY sequence")

    private static func publishedEvents(_ pool: PostgresPool) async throws -> [String] {
        try await pool.query(publishedEvents).map { "\($0.string(0)) \($0.string(1))" }
    }

    @Test("Many silent ones are held, with one event; released by hand they go, and none that is silent later")
    func heldAndReleased() async throws {
        try await withMigratedPool("sweeper") { pool in
            _ = try await pool.query(Self.addMany, [30, 1.0])
            _ = try await pool.query(Self.addMany, [12, 200.0])
            _ = try await pool.query(Self.settle)
            let store = LivenessStore(postgres: pool, source: "switchyard/sweeper")
            for _ in 0..<3 {
                let outcome = try #require(try await store.sweep(.managed, ttl: 180))
                #expect(outcome.held == .tooMany && outcome.offline == 0)
                #expect(outcome.counts == GuardState.Counts(running: 42, late: 12, silent: 12))
            }
            let held = #"sweep.held {"scope":"ours","reason":"too_many_silent","candidates":12,"running":42}"#
            #expect(try await Self.publishedEvents(pool) == [held])
            let shown = SweepGuardStatus(try await store.guardState(.managed), period: 180)
            #expect(shown.held && shown.reason == "too_many_silent" && shown.silent == 12 && shown.running == 42)
            #expect(shown.allowance == 4 && shown.heldSince != nil && shown.graceUntil == nil)
            #expect(shown.holdsUntil == shown.heldSince?.addingTimeInterval(180))
            let (released, events) = try await store.release(.managed, ttl: 180, by: "org:7")
            #expect(released == 12 && events.map(\.event.type) == ["sweep.released"])
            // Silent from now on: not what the operator spoke of.
            _ = try await pool.query(Self.addMany, [11, 180.0])
            let outcome = try #require(try await store.sweep(.managed, ttl: 180))
            #expect(outcome.offline == 12 && outcome.held == .tooMany)
            #expect(outcome.events.allSatisfy { $0.event.type == "workspace.offline" })
            #expect(
                try await Self.publishedEvents(pool) == [
                    held,
                    #"sweep.released {"scope":"ours","reason":"released by an operator","candidates":12,"#
                        + #""running":42,"by":"org:7"}"#,
                ])
            #expect(try await store.sweep(.managed, ttl: 180)?.offline == 0)
            #expect(try await store.guardState(.managed).handRelease == nil)
            #expect(try await store.release(.remote, ttl: 180, by: "admin").released == 0)
        }
    }

    @Test("The end of a hold has one event")
    func holdEnds() async throws {
        try await withMigratedPool("sweeper") { pool in
            _ = try await pool.query(Self.addMany, [30, 1.0])
            _ = try await pool.query(Self.addMany, [12, 200.0])
            _ = try await pool.query(Self.settle)
            let store = LivenessStore(postgres: pool, source: "s")
            #expect(try await store.sweep(.managed, ttl: 180)?.held == .tooMany)
            _ = try await pool.query(
                Statement("test_beat_all", "UPDATE workspace_vitals SET last_heartbeat_at = now()"))
            // As if the hold had been a period ago.
            _ = try await pool.query(
                Statement(
                    "test_age_hold",
                    """
                    UPDATE platform_state SET value = (value::jsonb || jsonb_build_object('manyLateAt',
                        (value->>'manyLateAt')::float8 - 181))::json WHERE key = 'liveness.ours'
                    """))
            for _ in 0..<2 { #expect(try await store.sweep(.managed, ttl: 180)?.held == nil) }
            #expect(
                try await Self.publishedEvents(pool).last
                    == #"sweep.released {"scope":"ours","reason":"the cause is over","candidates":0,"running":42}"#)
            #expect(try await Self.publishedEvents(pool).count == 2)
        }
    }

    @Test("Two sweepers at once take each silent workspace offline once, with one restart")
    func twoSweepers() async throws {
        try await withMigratedPool("sweeper") { pool in
            _ = try await pool.query(Self.addMany, [200, 1.0])
            _ = try await pool.query(Self.addMany, [40, 200.0])
            _ = try await pool.query(Self.settle)
            let store = LivenessStore(postgres: pool, source: "s")
            let offline = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<16 { group.addTask { try await store.sweep(.managed, ttl: 180)?.offline ?? 0 } }
                return try await group.reduce(0, +)
            }
            #expect(offline == 40)
            let counts = try await pool.query(
                Statement(
                    "test_counts",
                    """
                    SELECT (SELECT count(*) FROM structure_events WHERE type = 'workspace.offline'),
                        (SELECT count(DISTINCT workspace_id) FROM lifecycle_jobs WHERE kind = 'restart'),
                        (SELECT count(*) FROM lifecycle_jobs)
                    """))[0]
            #expect(counts.int(0) == 40 && counts.int(1) == 40 && counts.int(2) == 40)
        }
    }

    private static let item = Statement(
        "test_item",
        """
        INSERT INTO a2a_queue (id, workspace_id, body, status, lease_owner, lease_until, claim_number, expires_at)
        VALUES ($1, gen_random_uuid(), '{}', $2, CASE WHEN $2 = 'dispatched' THEN 'dead' END,
            CASE WHEN $2 = 'dispatched' THEN now() + make_interval(secs => $3) END, 1,
            now() + make_interval(secs => $4))
        """)
    private static let state = Statement(
        "test_state",
        "SELECT status, delivery_uncertain, attempts, claim_number, deliveries FROM a2a_queue WHERE id = $1")

    @Test("Leases that ran out put their items back as uncertain and uncounted; expired items are dropped")
    func queue() async throws {
        try await withMigratedPool("sweeper") { pool in
            let (expired, held, old) = (UUID(), UUID(), UUID())
            _ = try await pool.query(Self.item, [expired, "dispatched", -1.0, 1000.0])
            _ = try await pool.query(Self.item, [held, "dispatched", 60.0, 1000.0])
            _ = try await pool.query(Self.item, [old, "queued", 0.0, -1.0])
            let store = ExpiredLeaseStore(postgres: pool, source: "switchyard/sweeper")
            #expect(try await store.recoverLeases().count == 1)
            #expect(try await store.dropExpired().map(\.event.type) == ["a2a.dropped"])
            let back = try await pool.query(Self.state, [expired])[0]
            #expect(back.string(0) == "queued")
            #expect(back.bool(1))
            #expect(back.int(2) == 0)
            // The claim's number stays: its previous holder may not finish it any more once it is claimed again.
            #expect(back.int(3) == 1)
            #expect(back.int(4) == 1)
            #expect(try await pool.query(Self.state, [held])[0].string(0) == "dispatched")
            #expect(try await pool.query(Self.state, [old])[0].string(0) == "dropped")
            #expect(try await store.recoverLeases().isEmpty)
        }
    }

    @Test("Items and delegations of a workspace that is gone do not wait for it")
    func abandoned() async throws {
        try await withMigratedPool("sweeper") { pool in
            let (source, removed, living, unknown) = (UUID(), UUID(), UUID(), UUID())
            for (id, status) in [(source, "online"), (removed, "removed"), (living, "offline")] {
                _ = try await pool.query(Self.add, [id, status, false, 0.0, 0.0])
            }
            let delegation = UUID()
            _ = try await pool.query(
                Statement(
                    "test_delegation",
                    """
                    INSERT INTO delegations (id, source_id, target_id, task, status)
                    VALUES ($1, $2, $3, 'tidy "up"', 'queued')
                    """), [delegation, source, removed])
            let wait = Statement(
                "test_wait",
                "INSERT INTO a2a_queue (workspace_id, body, delegation_id, schedule_id) VALUES ($1, '{}', $2, $3)")
            let schedule = UUID()
            _ = try await pool.query(wait, [removed, delegation, nil as UUID?])
            _ = try await pool.query(wait, [removed, nil as UUID?, schedule])
            _ = try await pool.query(wait, [living, nil as UUID?, nil as UUID?])
            _ = try await pool.query(wait, [unknown, nil as UUID?, nil as UUID?])
            let events = try await ExpiredLeaseStore(postgres: pool, source: "s").dropAbandoned()
            let publishedEvents = events.map {
                "\($0.event.type) \(String(decoding: $0.event.data.bytes, as: UTF8.self))"
            }
            #expect(publishedEvents.filter { $0.hasPrefix("a2a.dropped") }.count == 3)
            #expect(publishedEvents.contains { $0.contains("\"schedule_id\":\"\(schedule.lowercased)\"") })
            let failed = try #require(publishedEvents.first { $0.hasPrefix("delegation.failed") })
            #expect(failed.contains(#""task_preview":"tidy \"up\"","error":"workspace removed""#))
            let left = try await pool.query(
                Statement("test_left", "SELECT workspace_id FROM a2a_queue WHERE status = 'queued'"))
            #expect(try left.map { $0.uuid(0) } == [living])
        }
    }

    @Test("Leases are put back at once, however many items wait beside them")
    func deepQueue() async throws {
        try await withMigratedPool("sweeper") { pool in
            let workspace = UUID()
            let fill = Statement(
                "test_fill",
                """
                INSERT INTO a2a_queue (workspace_id, body, status, lease_owner, lease_until)
                SELECT $1, '{}', $2, CASE WHEN $2 = 'dispatched' THEN 'dead' END,
                    CASE WHEN $2 = 'dispatched' THEN now() - interval '1 s' END
                FROM generate_series(1, $3::int)
                """)
            _ = try await pool.query(fill, [workspace, "queued", 60_000], deadline: .seconds(60))
            _ = try await pool.query(fill, [workspace, "dispatched", 500])
            _ = try await pool.query(Statement("test_analyze", "ANALYZE a2a_queue"))
            let back = try await ExpiredLeaseStore(postgres: pool, source: "s").recoverLeases()
            #expect(back.count == 500)
            #expect(String(decoding: try #require(back.first).event.data.bytes, as: UTF8.self).contains(":10500,"))
        }
    }
}
