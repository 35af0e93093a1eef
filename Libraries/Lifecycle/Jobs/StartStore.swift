import Authentication
import Contracts
import EventOutbox
import Foundation
import Postgres

/// What a start needs to know of its workspace.
struct StartRequest: Sendable {
    var runtime: String
    var model: String?
    var tier: Int
    var directory: String?
    var access: WorkspaceAccess
    var token: WorkspaceToken
    var events: [CommittedEvent]
}

/// The transaction that a start begins with.
struct StartStore: Sendable {
    let postgres: PostgresPool
    let source: String

    private static let template = Statement("start_template", "SELECT template FROM workspaces WHERE id = $1")

    /// What the workspace was made from; it never changes.
    func template(of workspace: UUID) async throws(PostgresError) -> String? {
        try await postgres.query(Self.template, [workspace]).first { $0.optionalString(0) }
    }

    /// A restart may find it in any status of running or being broken; a start only being provisioned.
    private static let lock = Statement(
        "start_lock",
        """
        SELECT w.runtime, w.model, w.tier, w.workspace_dir, w.workspace_access
        FROM lifecycle_jobs j JOIN workspaces w ON w.id = j.workspace_id
        WHERE j.id = $1 AND j.claim_number = $2 AND j.completed_at IS NULL AND NOT w.external
            AND (w.status = 'provisioning'
                OR (j.kind = 'restart' AND w.status IN ('online', 'degraded', 'offline', 'failed')))
        FOR UPDATE OF w
        """)

    /// The time that a start may take counts from its beginning, not from when it was asked for.
    /// Old tokens go first: a copy of one in the volume of a container that is replaced must be worth nothing.
    private static let rotate = Statement(
        "start_rotate",
        """
        WITH flipped AS (
            UPDATE workspaces SET status = 'provisioning', status_reason = NULL, status_changed_at = now(),
                updated_at = now(), url = CASE WHEN url_provisioned THEN NULL ELSE url END
            WHERE id = $1 AND status <> 'provisioning' RETURNING id, name, tier, runtime
        ), begun AS (
            UPDATE workspaces SET status_changed_at = now() WHERE id = $1 AND status = 'provisioning'
        ), revoked AS (
            UPDATE workspace_auth_tokens SET revoked_at = now() WHERE workspace_id = $1 AND revoked_at IS NULL
            RETURNING workspace_id
        ), issued AS (
            INSERT INTO workspace_auth_tokens (workspace_id, token_hash, prefix) VALUES ($1, $2, $3)
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'token.revoked', $1, $4, event_token_revoked() WHERE EXISTS (SELECT FROM revoked)
        UNION ALL
        SELECT 'workspace.provisioning', id, $4, event_workspace_provisioning(name, tier, runtime) FROM flipped
        RETURNING \(CommittedEvent.columns)
        """)

    /// Makes the workspace's new token the only one.
    ///
    /// - Returns: `nil` when there is nothing to start any more.
    func begin(_ job: LifecycleJob) async throws -> StartRequest? {
        let token = WorkspaceToken.make()
        return try await postgres.transaction { try await begin(job, token, $0) }
    }

    private func begin(
        _ job: LifecycleJob, _ token: WorkspaceToken, _ transaction: Transaction
    ) async throws -> StartRequest? {
        let found = try await transaction.query(Self.lock, [job.id, job.claimNumber]).first { row in
            StartRequest(
                runtime: row.string(0), model: row.optionalString(1), tier: row.int(2),
                directory: row.optionalString(3), access: WorkspaceAccess(rawValue: row.string(4)) ?? .none,
                token: token, events: [])
        }
        guard var request = found else { return nil }
        let recorded = try await transaction.query(
            Self.rotate, [job.workspace, Bytea(token.hash), token.prefix, source])
        request.events = try recorded.compactMap { CommittedEvent(row: $0) }
        return request
    }
}
