import Contracts
import EventOutbox
import Foundation
import Postgres

extension LifecycleStore {
    /// What a deletion did.
    package struct Deletion: Sendable {
        package var events: [CommittedEvent] = []
        /// The workspace and its descendants, those included that were removed before.
        package var workspaces: [UUID] = []
        /// Descendants that were removed with it.
        package var descendants = 0
        /// What stops the containers, done or not.
        package var jobs: [UUID] = []
    }

    /// Before the workspaces, since whoever delivers a message holds it while it waits for the vitals. Those that come
    /// later are left to the sweeper.
    private static let lockItems = Statement(
        "lifecycle_lock_items",
        "SELECT id FROM a2a_queue WHERE workspace_id = ANY ($1) AND status = 'queued' ORDER BY id FOR UPDATE")

    /// Tokens, schedules and waiting messages go with the workspaces. A message that is being delivered ends by itself:
    /// its next try finds nobody.
    private static let remove = Statement(
        "lifecycle_remove",
        """
        WITH gone AS (
            UPDATE workspaces SET status = 'removed', status_reason = NULL, status_changed_at = now(),
                removed_at = now(), updated_at = now(), url = NULL, internal_url = NULL, url_provisioned = false
            WHERE id = ANY ($1) AND status <> 'removed' RETURNING id, name, managed
        ), tokens AS (
            UPDATE workspace_auth_tokens SET revoked_at = now() WHERE workspace_id = ANY ($1) AND revoked_at IS NULL
        ), planned AS MATERIALIZED (
            SELECT id FROM workspace_schedules WHERE workspace_id = ANY ($1) AND enabled ORDER BY id FOR UPDATE
        ), schedules AS (
            UPDATE workspace_schedules s SET enabled = false, next_run_at = NULL, updated_at = now()
            FROM planned WHERE s.id = planned.id
        ), items AS (
            UPDATE a2a_queue SET status = 'dropped', completed_at = now(), last_error = 'workspace removed'
            WHERE id = ANY ($5) AND status = 'queued'
            RETURNING id, workspace_id, attempts, delegation_id
        ), open AS MATERIALIZED (
            SELECT d.id FROM items JOIN delegations d ON d.id = items.delegation_id
            WHERE d.status IN ('pending', 'dispatched', 'queued') ORDER BY d.id FOR UPDATE OF d
        ), given_up AS (
            UPDATE delegations d SET status = 'failed', error = 'workspace removed', updated_at = now(),
                completed_at = now(), result_at = COALESCE(result_at, now())
            FROM open WHERE d.id = open.id
            RETURNING d.id, d.source_id, d.target_id
        ), jobs AS (
            INSERT INTO lifecycle_jobs (workspace_id, kind, remove_volume, reason)
            SELECT id, 'remove', true, 'workspace removed' FROM gone WHERE $2 AND managed ORDER BY id
            ON CONFLICT DO NOTHING
        ), recorded AS (
            SELECT 'workspace.removed' AS type, id AS workspace_id, event_workspace_stopped(name,
                CASE WHEN id = $3 THEN (SELECT count(*) FROM gone WHERE id <> $3) END) AS data FROM gone
            UNION ALL
            SELECT 'a2a.dropped', workspace_id, event_a2a_outcome(id, attempts, 'workspace removed') FROM items
            UNION ALL
            SELECT 'delegation.failed', source_id,
                event_delegation(id, target_id, 'failed', error => 'workspace removed') FROM given_up
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT type, workspace_id, $4, data FROM recorded RETURNING \(CommittedEvent.columns)
        """)

    /// Somebody waits for it: the pause after a failure is over.
    private static let expedite = Statement(
        "lifecycle_expedite",
        """
        WITH job AS MATERIALIZED (
            SELECT id FROM lifecycle_jobs
            WHERE workspace_id = ANY ($1) AND kind = 'remove' AND completed_at IS NULL AND lease_owner IS NULL
            ORDER BY id FOR UPDATE
        )
        UPDATE lifecycle_jobs j SET available_at = now(), last_error = NULL FROM job WHERE j.id = job.id
        """)

    /// Removes a workspace and all its descendants. Removing what is removed asks for what is left of the clean-up.
    ///
    /// - Parameters:
    ///   - isConfirmed: that its children go with it.
    ///   - purges: deletes the rows as well, once the removal is committed. An error leaves the rest to another try.
    ///   - removed: told of the removal as soon as it is committed.
    /// - Returns: the removal, with the events of the purge alone when `removed` was told of the others.
    /// - Throws: ``LifecycleRefusal`` `unknown` or `needsConfirmation`, `PostgresError`.
    package func delete(
        _ id: UUID, isConfirmed: Bool, purges: Bool, removed: ((Deletion) -> Void)? = nil
    ) async throws -> Deletion {
        var deletion = try await remove(id, isConfirmed: isConfirmed)
        if let removed {
            removed(deletion)
            deletion.events = []
        }
        if purges { deletion.events += try await purge(deletion.workspaces) }
        return deletion
    }

    private func remove(_ id: UUID, isConfirmed: Bool) async throws -> Deletion {
        try await change { transaction in
            let seen = try await transaction.query(Self.subtreeIDs, [id]).map { $0.uuid(0) }
            let items = try await transaction.query(Self.lockItems, [seen]).map { $0.uuid(0) }
            let members = try await lockSubtree(id, transaction)
            guard !members.isEmpty else { throw LifecycleRefusal.unknown }
            let children = members.filter { $0.parent == id && $0.status != .removed }
            if !children.isEmpty, !isConfirmed {
                throw LifecycleRefusal.needsConfirmation(children.map { ChildReference(id: $0.id, name: $0.name) })
            }
            let ids = members.map(\.id)
            try await supersede(ids, [.start, .restart, .stop], transaction)
            var deletion = Deletion(workspaces: ids)
            deletion.descendants = members.count { $0.id != id && $0.status != .removed }
            deletion.events = try await transaction.query(Self.remove, [ids, hasProvisioner, id, source, items])
                .compactMap { CommittedEvent(row: $0) }
            _ = try await transaction.query(Self.expedite, [ids])
            deletion.jobs = try await openJobs(ids, .remove, transaction)
            return deletion
        }
    }
}
