import EventOutbox
import Foundation
import Postgres

extension LifecycleStore {
    /// One winner flips the status, asks for the start and tells the world.
    ///
    /// One that is just falling asleep is woken, too: its start waits for its stop, which then changes no status. It is a
    /// restart, which takes no notice of the heartbeats that its agent sends until it is stopped.
    private static let wake = Statement(
        "lifecycle_wake",
        """
        WITH asleep AS MATERIALIZED (
            SELECT id, status = 'hibernating' AS is_stopping FROM workspaces
            WHERE id = $1 AND status IN ('hibernated', 'hibernating') FOR UPDATE
        ), woken AS (
            UPDATE workspaces w SET status = 'provisioning', status_reason = NULL, status_changed_at = now(),
                updated_at = now()
            FROM asleep WHERE w.id = asleep.id
            RETURNING w.id, w.name, w.tier, w.runtime, w.managed, asleep.is_stopping
        ), job AS (
            INSERT INTO lifecycle_jobs (workspace_id, kind, reason)
            SELECT id, CASE WHEN is_stopping THEN 'restart' ELSE 'start' END, 'message' FROM woken WHERE managed
            ON CONFLICT (workspace_id) WHERE completed_at IS NULL AND kind IN ('start', 'restart')
            DO UPDATE SET repeats = true WHERE lifecycle_jobs.lease_owner IS NOT NULL
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'workspace.provisioning', id, $2, event_workspace_provisioning(name, tier, runtime) FROM woken
        RETURNING \(CommittedEvent.columns)
        """)

    /// Wakes a workspace if it is hibernated, or about to be.
    package func wake(_ workspace: UUID) async throws(PostgresError) -> [CommittedEvent] {
        try await postgres.query(Self.wake, [workspace, source]).compactMap { CommittedEvent(row: $0) }
    }

    private static let markUnreachable = Statement(
        "lifecycle_mark_unreachable",
        """
        WITH lost AS (
            UPDATE workspaces SET status = 'offline', status_reason = 'container not running',
                status_changed_at = now(), updated_at = now()
            WHERE id = $1 AND url_provisioned AND status IN ('online', 'degraded') RETURNING id
        ), job AS (
            INSERT INTO lifecycle_jobs (workspace_id, kind, reason) SELECT id, 'restart', 'unreachable' FROM lost
            ON CONFLICT DO NOTHING
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'workspace.offline', id, $2, event_workspace_offline('container not running') FROM lost
        RETURNING \(CommittedEvent.columns)
        """)

    /// Marks a workspace of ours offline and asks for its restart: its container is not running.
    ///
    /// - Returns: nothing when another call did it, or it is not in a status of running.
    package func markUnreachable(_ workspace: UUID) async throws(PostgresError) -> [CommittedEvent] {
        try await postgres.query(Self.markUnreachable, [workspace, source]).compactMap { CommittedEvent(row: $0) }
    }
}
