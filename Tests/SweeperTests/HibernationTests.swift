import Contracts
import EventOutbox
import Foundation
import Lifecycle
import Postgres
import Sweeper
import Testing
import TestSupport

@Suite("Hibernation")
struct HibernationTests {
    @Test("What is idle for longer than it may be, and nothing else, is sent to sleep")
    func rule() {
        let due = HibernationRule.Subject(status: .online, idleMinutes: 10, idleSeconds: 601)
        #expect(HibernationRule.isDue(due))
        func not(_ change: (inout HibernationRule.Subject) -> Void) -> Bool {
            var subject = due
            change(&subject)
            return !HibernationRule.isDue(subject)
        }
        #expect(not { $0.idleSeconds = 600 })
        #expect(not { $0.idleMinutes = nil } && not { $0.idleMinutes = 0 })
        #expect(not { $0.isExternal = true } && not { $0.isManaged = false })
        #expect(not { $0.activeTasks = 1 } && not { $0.hasMessages = true })
        for status in WorkspaceStatus.allCases where status != .online && status != .degraded {
            #expect(not { $0.status = status }, "\(status)")
        }
        #expect(!not { $0.status = .degraded })
    }

    private static let add = Statement(
        "test_add_idle",
        """
        WITH w AS (
            INSERT INTO workspaces (id, name, status, managed, url, url_provisioned, hibernation_idle_minutes,
                status_changed_at)
            VALUES ($1, 'sleeper', 'online', true, 'http://127.0.0.1:1', true, 10, now() - interval '1 hour')
            RETURNING id
        )
        INSERT INTO workspace_vitals (workspace_id, last_heartbeat_at, last_seen_at, last_inbound_at, last_outbound_at,
            active_tasks_changed_at, current_task_changed_at)
        SELECT id, now(), now(), now() - interval '20 minutes', now() - interval '20 minutes',
            now() - interval '20 minutes', now() - interval '20 minutes' FROM w
        """)
    private static let status = Statement("test_status", "SELECT status FROM workspaces WHERE id = $1")
    private static let item = Statement("test_item", "INSERT INTO a2a_queue (workspace_id, body) VALUES ($1, '{}')")

    private func with(_ body: (PostgresPool, HibernationStore) async throws -> Void) async throws {
        try await withMigratedPool("hibernation") { pool in
            let lifecycle = LifecycleStore(postgres: pool, source: "switchyard/sweeper", hasProvisioner: true)
            try await body(pool, HibernationStore(postgres: pool, lifecycle: lifecycle))
        }
    }

    private func add(_ pool: PostgresPool, _ change: String? = nil) async throws -> UUID {
        let id = UUID()
        _ = try await pool.query(Self.add, [id])
        if let change { _ = try await pool.query(Statement("", change), [id]) }
        return id
    }

    @Test(
        "Anything that happened to it within the time keeps it awake",
        arguments: [
            "UPDATE workspace_vitals SET last_inbound_at = now() WHERE workspace_id = $1",
            "UPDATE workspace_vitals SET last_outbound_at = now() WHERE workspace_id = $1",
            "UPDATE workspace_vitals SET active_tasks = 1 WHERE workspace_id = $1",
            "UPDATE workspace_vitals SET active_tasks_changed_at = now() WHERE workspace_id = $1",
            "UPDATE workspace_vitals SET current_task_changed_at = now() WHERE workspace_id = $1",
            "UPDATE workspaces SET status_changed_at = now() WHERE id = $1",
            "UPDATE workspaces SET external = true WHERE id = $1",
            "UPDATE workspaces SET managed = false WHERE id = $1",
            "UPDATE workspaces SET status = 'offline' WHERE id = $1",
            "UPDATE workspaces SET hibernation_idle_minutes = 30 WHERE id = $1",
            "UPDATE workspaces SET hibernation_idle_minutes = NULL WHERE id = $1",
            "INSERT INTO a2a_queue (workspace_id, body) VALUES ($1, '{}')",
            """
            INSERT INTO a2a_queue (workspace_id, body, status, lease_owner, lease_until)
            VALUES ($1, '{}', 'dispatched', 'x', now())
            """,
        ])
    func awake(_ change: String) async throws {
        try await with { pool, store in
            let idle = try await add(pool)
            let busy = try await add(pool, change)
            #expect(try await store.find(upTo: 10) == [idle])
            #expect(try await store.hibernate(busy).count == 0)
            #expect(try await pool.query(Self.status, [busy])[0].string(0) != "hibernating")
        }
    }

    @Test("Two sweepers at once send each to sleep once; it sleeps when its container has stopped")
    func claimedOnce() async throws {
        try await with { pool, store in
            var ids: [UUID] = []
            for _ in 0..<20 { ids.append(try await add(pool)) }
            let all = ids
            let claimed = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        var claimed = 0
                        for id in all.shuffled() {
                            do { claimed += try await store.hibernate(id).count } catch is LifecycleRefusal {}
                        }
                        return claimed
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(claimed == all.count)
            let jobs = try await pool.query(
                Statement("test_jobs", "SELECT count(*) FROM lifecycle_jobs WHERE kind = 'stop'"))
            #expect(jobs[0].int(0) == all.count)
            for id in all { #expect(try await pool.query(Self.status, [id])[0].string(0) == "hibernating") }
        }
    }

    @Test("One whose rows are locked is left for the next pass, without waiting")
    func held() async throws {
        try await with { pool, store in
            let id = try await add(pool)
            try await pool.transaction { transaction in
                _ = try await transaction.query(
                    Statement("test_hold", "SELECT FROM workspace_vitals WHERE workspace_id = $1 FOR UPDATE"), [id])
                #expect(try await store.hibernate(id).count == 0)
            }
            #expect(try await store.hibernate(id).count == 1)
        }
    }

    @Test("A message in the same moment is either seen, or finds a workspace that it wakes", arguments: 0..<20)
    func messageAtOnce(_: Int) async throws {
        try await with { pool, store in
            let id = try await add(pool)
            async let sleeping = store.hibernate(id).count
            async let queued = pool.query(Self.item, [id]).count
            let slept = try await sleeping
            _ = try await queued
            let status = try await pool.query(Self.status, [id])[0].string(0)
            #expect(status == (slept == 1 ? "hibernating" : "online"))
            // As the proxy does for what waits.
            let waker = LifecycleStore(postgres: pool, source: "switchyard/a2a-proxy")
            #expect(try await waker.wake(id).map(\.event.type) == (slept == 1 ? ["workspace.provisioning"] : []))
            let jobs = try await pool.query(
                Statement("test_kinds", "SELECT kind FROM lifecycle_jobs ORDER BY created_at"))
            #expect(try jobs.map { $0.string(0) } == (slept == 1 ? ["stop", "restart"] : []))
        }
    }
}
