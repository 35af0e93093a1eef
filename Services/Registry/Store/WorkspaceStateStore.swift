import Contracts
import EventOutbox
import Foundation
import HTTPCore
import PlatformInternals
import Postgres
import UVHTTPServer

/// The statements about where a workspace is in its life.
struct WorkspaceStateStore: Sendable {
    let postgres: PostgresPool
    let source: String

    private static let status = Statement("state_status", "SELECT status FROM workspaces WHERE id = $1")

    /// The status of a workspace, removed ones included; `nil` for an unknown one.
    func status(of id: UUID) async throws(PostgresError) -> WorkspaceStatus? {
        try await postgres.query(Self.status, [id]).first { WorkspaceStatus(rawValue: $0.string(0)) }
    }

    private static let bootstrapFailed = Statement(
        "state_bootstrap_failed",
        """
        WITH failed AS (
            UPDATE workspaces SET status = 'failed', status_reason = $2, status_changed_at = now(), updated_at = now()
            WHERE id = $1 AND status = 'provisioning' RETURNING id, runtime
        )
        INSERT INTO structure_events (type, workspace_id, source, data, traceparent)
        SELECT 'workspace.provision_failed', id, $3,
            event_workspace_provision_failed($2, 'bootstrap_watcher', runtime), $4
        FROM failed
        RETURNING \(CommittedEvent.columns)
        """)

    /// Fails a workspace that is being provisioned.
    ///
    /// - Returns: the event; `nil` when it is in any other status, or unknown.
    func failBootstrap(_ id: UUID, traceparent: String?) async throws(PostgresError) -> CommittedEvent? {
        try await postgres.query(Self.bootstrapFailed, [id, ErrorMessage.bootstrapFailed, source, traceparent]).first {
            CommittedEvent(row: $0)
        }
    }
}
