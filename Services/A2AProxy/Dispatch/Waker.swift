import EventOutbox
import Foundation
import Observability
import PostgresClient

/// Wakes hibernated workspaces and has dead containers restarted: durable work, which whoever runs containers takes up.
package struct Waker: Sendable {
    private let postgres: PostgresPool
    private let relay: EventRelay
    private let source: String

    package init(postgres: PostgresPool, relay: EventRelay, source: String) {
        self.postgres = postgres
        self.relay = relay
        self.source = source
    }

    /// One winner flips the status, asks for the start and tells the world.
    private static let wake = Statement(
        "proxy_wake",
        """
        WITH woken AS (
          UPDATE workspaces SET status = 'provisioning', status_reason = NULL, status_changed_at = now(), updated_at = now()
          WHERE id = $1 AND status = 'hibernated' RETURNING id, name, tier, runtime),
        job AS (
          INSERT INTO lifecycle_jobs (workspace_id, kind, reason) SELECT id, 'start', 'message' FROM woken
          ON CONFLICT DO NOTHING)
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'workspace.provisioning', id, $2, ('{"name":' || to_json(name)::text || ',"tier":' || tier
          || ',"runtime":' || to_json(runtime)::text || '}')::json FROM woken
        RETURNING \(CommittedEvent.columns)
        """)

    /// Wakes a workspace if it is hibernated.
    package func wake(_ workspace: UUID) async throws(PostgresError) {
        let rows = try await postgres.query(Self.wake, [workspace, source])
        relay.committed(rows.compactMap { CommittedEvent(row: $0) })
    }

    private static let restart = Statement(
        "proxy_restart",
        """
        WITH lost AS (
          UPDATE workspaces SET status = 'offline', status_reason = 'container not running', status_changed_at = now(),
            updated_at = now()
          WHERE id = $1 AND url_provisioned AND status IN ('online', 'degraded') RETURNING id),
        job AS (
          INSERT INTO lifecycle_jobs (workspace_id, kind, reason) SELECT id, 'restart', 'unreachable' FROM lost
          ON CONFLICT DO NOTHING)
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'workspace.offline', id, $2, '{"reason":"container not running"}'::json FROM lost
        RETURNING \(CommittedEvent.columns)
        """)

    /// Marks a provisioned workspace offline and asks for its restart: nobody listens on the port that its container
    /// published, so the container is not running.
    ///
    /// - Returns: whether this call did it.
    package func restart(_ workspace: UUID) async throws(PostgresError) -> Bool {
        let rows = try await postgres.query(Self.restart, [workspace, source])
        relay.committed(rows.compactMap { CommittedEvent(row: $0) })
        return !rows.isEmpty
    }
}
