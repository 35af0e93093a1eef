import Contracts
import EventOutbox
import Foundation
import Lifecycle
import Postgres
import Testing
import TestSupport

/// Deleting a workspace, on a real Postgres.
@Suite("Deleting workspaces")
struct DeleteTests {
    @Test("Children must be confirmed; then they go with it, and so does all they have")
    func cascade() async throws {
        try await withFleet { fleet, store in
            let root = try await fleet.add()
            let child = try await fleet.add(.paused, parent: root)
            let grandchild = try await fleet.add(.hibernated, parent: child, isExternal: true)
            let sender = try await fleet.add()
            try await belongings(of: child, from: sender, fleet)
            await #expect(throws: LifecycleRefusal.needsConfirmation([ChildReference(id: child, name: "w")])) {
                _ = try await store.delete(root, isConfirmed: false, purges: false)
            }
            #expect(try await fleet.status(child) == .paused)

            let deletion = try await store.delete(root, isConfirmed: true, purges: false)
            #expect(deletion.descendants == 2)
            #expect(deletion.jobs.count == 2, "the external one has no container")
            for id in [root, child, grandchild] { #expect(try await fleet.status(id) == .removed) }
            #expect(try await fleet.status(sender) == .online)
            #expect(try await fleet.events(root) == ["workspace.removed"])
            #expect(try await fleet.events(child).sorted() == ["a2a.dropped", "workspace.removed"])
            #expect(try await fleet.events(sender) == ["delegation.failed"])
            #expect(
                try await fleet.count("workspace_auth_tokens WHERE workspace_id = $1 AND revoked_at IS NULL", child)
                    == 0)
            #expect(try await fleet.count("workspace_schedules WHERE workspace_id = $1 AND enabled", child) == 0)
            #expect(try await fleet.count("a2a_queue WHERE workspace_id = $1 AND status = 'dropped'", child) == 1)
            #expect(try await fleet.count("delegations WHERE target_id = $1 AND status = 'failed'", child) == 1)
            let rootEvent = deletion.events.first { $0.event.subject == root }
            #expect(
                rootEvent.map { String(decoding: $0.event.data.bytes, as: UTF8.self) }
                    == #"{"name":"w","cascade_deleted":2}"#)
        }
    }

    private func belongings(of id: UUID, from sender: UUID, _ fleet: Fleet) async throws {
        _ = try await fleet.pool.query(
            Statement(
                "test_deletetests_2",
                """
                WITH token AS (INSERT INTO workspace_auth_tokens (workspace_id, token_hash, prefix)
                    VALUES ($1, sha256('x'), '12345678')),
                schedule AS (INSERT INTO workspace_schedules (workspace_id, cron_expr, prompt, next_run_at)
                    VALUES ($1, '* * * * *', 'p', now())),
                item AS (INSERT INTO a2a_queue (workspace_id, caller_id, body, delegation_id)
                    VALUES ($1, $2, '{}', $3) RETURNING id)
                INSERT INTO delegations (id, source_id, target_id, task, status, queue_id)
                SELECT $3, $2, $1, 't', 'queued', id FROM item
                """), [id, sender, UUID()])
    }

    @Test("Unknown workspaces are unknown; removed ones can be deleted again and purged")
    func repeated() async throws {
        try await withFleet { fleet, store in
            await #expect(throws: LifecycleRefusal.unknown) {
                _ = try await store.delete(UUID(), isConfirmed: true, purges: false)
            }
            let id = try await fleet.add()
            let first = try await store.delete(id, isConfirmed: false, purges: false)
            let second = try await store.delete(id, isConfirmed: false, purges: false)
            #expect(second.jobs == first.jobs && second.events.isEmpty)
            let purge = try await store.delete(id, isConfirmed: false, purges: true)
            #expect(purge.jobs == first.jobs, "the container is still to be stopped")
            #expect(try await fleet.status(id) == nil)
        }
    }

    @Test("A purge ends the delegations whose message is being delivered")
    func purgeEndsDelegations() async throws {
        try await withFleet { fleet, store in
            let (target, sender) = (try await fleet.add(), try await fleet.add())
            try await belongings(of: target, from: sender, fleet)
            _ = try await fleet.pool.query(
                Statement(
                    "test_dispatch",
                    """
                    WITH item AS (UPDATE a2a_queue SET status = 'dispatched', lease_owner = 'a', lease_until = now()
                        WHERE workspace_id = $1)
                    UPDATE delegations SET status = 'dispatched' WHERE target_id = $1
                    """), [target])
            _ = try await store.delete(target, isConfirmed: false, purges: true)
            #expect(try await fleet.count("delegations WHERE target_id = $1 AND status = 'failed'", target) == 1)
            #expect(try await fleet.events(sender) == ["delegation.failed"])
        }
    }

    @Test("A child that is created while its parent is deleted is refused or goes with it")
    func racingChild() async throws {
        try await withFleet { fleet, store in
            for _ in 0..<30 {
                let root = try await fleet.add()
                let child = UUID()
                let create = Statement(
                    "test_deletetests_1",
                    """
                    WITH w AS (INSERT INTO workspaces (id, name, parent_id) SELECT $1, 'c', $2
                        WHERE EXISTS (SELECT FROM workspaces p WHERE p.id = $2 AND p.status <> 'removed'
                            FOR KEY SHARE) RETURNING id)
                    INSERT INTO workspace_vitals (workspace_id) SELECT id FROM w
                    """)
                async let created: PostgresRows = fleet.pool.query(create, [child, root])
                async let deleted = store.delete(root, isConfirmed: true, purges: false)
                _ = try await (created, deleted)
                let status = try await fleet.status(child)
                #expect(status == nil || status == .removed)
            }
        }
    }

    @Test("Where nothing is provisioned there is nothing to stop")
    func withoutProvisioner() async throws {
        try await withFleet(hasProvisioner: false) { fleet, store in
            let id = try await fleet.add()
            #expect(try await store.delete(id, isConfirmed: false, purges: false).jobs.isEmpty)
        }
    }
}
