import EventOutbox
import Foundation
import PostgresClient

extension LifecycleStore {
    /// One winner flips the status, asks for the start and tells the world.
    private static let wake = Statement(
        "lifecycle_wake",
        """
        WITH woken AS (
            UPDATE workspaces SET status = 'provisioning', status_reason = NULL, status_changed_at = now(),
                updated_at = now()
            WHERE id = $1 AND status = 'hibernated' RETURNING id, name, tier, runtime, managed
        ), job AS (
            INSERT INTO lifecycle_jobs (workspace_id, kind, reason) SELECT id, 'start', 'message' FROM woken WHERE managed
            ON CONFLICT (workspace_id) WHERE completed_at IS NULL AND kind IN ('start', 'restart')
            DO UPDATE SET repeats = true WHERE lifecycle_jobs.lease_owner IS NOT NULL
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'workspace.provisioning', id, $2, \(ProvisioningEvent.data) FROM woken
        RETURNING \(CommittedEvent.columns)
        """)

    /// Wakes a workspace if it is hibernated.
    package func wake(_ workspace: UUID) async throws(PostgresError) -> [CommittedEvent] {
        try await postgres.query(Self.wake, [workspace, source]).compactMap { CommittedEvent(row: $0) }
    }

    private static let lose = Statement(
        "lifecycle_lose",
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
        SELECT 'workspace.offline', id, $2, '{"reason":"container not running"}'::json FROM lost
        RETURNING \(CommittedEvent.columns)
        """)

    /// Marks a workspace of ours offline and asks for its restart: its container is not running.
    ///
    /// - Returns: nothing when another call did it, or it is not in a status of running.
    package func lose(_ workspace: UUID) async throws(PostgresError) -> [CommittedEvent] {
        try await postgres.query(Self.lose, [workspace, source]).compactMap { CommittedEvent(row: $0) }
    }
}
