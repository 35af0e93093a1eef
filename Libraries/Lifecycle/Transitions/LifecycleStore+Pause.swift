import Contracts
import EventOutbox
import Foundation
import Postgres

extension LifecycleStore {
    /// An address that is the agent's own is kept for its resumption; one of ours ends with its container.
    private static let pause = Statement(
        "lifecycle_pause",
        """
        WITH paused AS (
            UPDATE workspaces SET status = 'paused', status_reason = NULL, status_changed_at = now(),
                updated_at = now(), url = NULL, url_provisioned = false,
                internal_url = CASE WHEN url_provisioned THEN internal_url ELSE COALESCE(url, internal_url) END
            WHERE id = ANY ($1) AND status NOT IN ('paused', 'removed') RETURNING id, name, managed
        ), jobs AS (
            INSERT INTO lifecycle_jobs (workspace_id, kind, reason)
            SELECT id, 'stop', 'paused' FROM paused WHERE $2 AND managed ORDER BY id ON CONFLICT DO NOTHING
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'workspace.paused', id, $3, event_workspace_stopped(name) FROM paused
        RETURNING \(CommittedEvent.columns)
        """)

    /// Pauses a workspace and its descendants.
    ///
    /// - Throws: ``LifecycleRefusal``, `PostgresError`.
    package func pause(_ id: UUID) async throws -> Change {
        try await change { transaction in
            let ids = try await lockSubtree(id, transaction).map(\.id)
            try LifecycleRule.pause(try await subject(id, transaction))
            try await supersede(ids, [.start, .restart], transaction)
            let events = try await transaction.query(Self.pause, [ids, hasProvisioner, source])
                .compactMap { CommittedEvent(row: $0) }
            return Change(events: events, count: events.count)
        }
    }

    /// A start from before the pause that is still under way finds nothing to start any more: it is repeated.
    ///
    /// What we start goes back to `provisioning`. An agent that is started by its owner is reached where it was before:
    /// at once when it is external, else from its next heartbeat on. Slots of its schedules that passed meanwhile fire
    /// nothing.
    private static let resume = Statement(
        "lifecycle_resume",
        """
        WITH paused AS (
            SELECT id, $2 AND managed AS ours, external AND internal_url IS NOT NULL AS reachable FROM workspaces
            WHERE id = ANY ($1) AND status = 'paused'
        ), resumed AS (
            UPDATE workspaces w SET status_changed_at = now(), updated_at = now(), schedules_from = now(),
                status = CASE WHEN ours THEN 'provisioning' WHEN reachable THEN 'online'
                    ELSE 'awaiting_agent' END::workspace_status,
                url = CASE WHEN ours THEN NULL ELSE internal_url END,
                internal_url = CASE WHEN ours THEN internal_url END
            FROM paused WHERE w.id = paused.id
            RETURNING w.id, w.name, w.tier, w.runtime, w.external, w.url, w.status
        ), jobs AS (
            INSERT INTO lifecycle_jobs (workspace_id, kind, reason)
            SELECT id, 'start', 'resumed' FROM resumed WHERE status = 'provisioning' ORDER BY id
            ON CONFLICT (workspace_id) WHERE completed_at IS NULL AND kind IN ('start', 'restart')
            DO UPDATE SET repeats = true WHERE lifecycle_jobs.lease_owner IS NOT NULL
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'workspace.' || status, id, $3, CASE status
            WHEN 'provisioning' THEN event_workspace_provisioning(name, tier, runtime)
            WHEN 'online' THEN event_workspace_online(url)
            ELSE event_workspace_awaiting_agent(name, external) END
        FROM resumed RETURNING \(CommittedEvent.columns)
        """)

    /// Resumes a paused workspace and its paused descendants.
    ///
    /// - Throws: ``LifecycleRefusal``, `PostgresError`.
    package func resume(_ id: UUID) async throws -> Change {
        try await change { transaction in
            let ids = try await lockSubtree(id, transaction).map(\.id)
            try LifecycleRule.resume(try await subject(id, transaction))
            try await supersede(ids, [.stop], transaction)
            let resume = Call(Self.resume, [ids, hasProvisioner, source])
            let events = try await transaction.query([Call(Self.lockStarts, [ids]), resume])[1]
                .compactMap { CommittedEvent(row: $0) }
            return Change(events: events, count: events.count)
        }
    }
}
