import Authentication
import Contracts
import EventOutbox
import Foundation
import PlatformInternals
import Postgres

/// The statements about a workspace's own tokens.
struct WorkspaceTokenStore: Sendable {
    let postgres: PostgresPool
    let source: String

    private static let exists = Statement(
        "token_workspace_lock", "SELECT 1 FROM workspaces WHERE id = $1 AND status <> 'removed' FOR UPDATE")

    private static let issue = Statement(
        "token_issue",
        """
        INSERT INTO workspace_auth_tokens (workspace_id, token_hash, prefix)
        SELECT $1, $2, $3 WHERE $4 > (
            SELECT count(*) FROM workspace_auth_tokens WHERE workspace_id = $1 AND revoked_at IS NULL)
        """)

    enum Issued: Sendable {
        case token(String)
        case tooMany
        case noWorkspace
    }

    /// Issues a token, unless the workspace has as many live ones as it may.
    func issue(_ workspace: UUID) async throws -> Issued {
        let token = WorkspaceToken.make()
        return try await postgres.transaction { transaction in
            // The lock makes two issues of one workspace count one after the other.
            guard try await !transaction.query(Self.exists, [workspace]).isEmpty else { return .noWorkspace }
            let added = try await transaction.query(
                Self.issue, [workspace, Bytea(token.hash), token.prefix, Limits.activeTokens])
            return added.affected == 1 ? .token(token.secret) : .tooMany
        }
    }

    private static let list = Statement(
        "token_list",
        """
        SELECT id, prefix, created_at, last_used_at FROM workspace_auth_tokens
        WHERE workspace_id = $1 AND revoked_at IS NULL ORDER BY created_at DESC, id LIMIT $2 OFFSET $3
        """)

    /// Live tokens, newest first.
    func list(_ workspace: UUID, _ page: TokenPage) async throws(PostgresError) -> PostgresRows {
        try await postgres.query(Self.list, [workspace, page.limit, page.offset])
    }

    private static let revoke = Statement(
        "token_revoke",
        """
        WITH revoked AS (
            UPDATE workspace_auth_tokens SET revoked_at = now()
            WHERE id = $1 AND workspace_id = $2 AND revoked_at IS NULL RETURNING id, workspace_id
        )
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'token.revoked', workspace_id, $3, event_token_revoked(id) FROM revoked
        RETURNING \(CommittedEvent.columns)
        """)

    /// Revokes a token.
    ///
    /// - Returns: the event that empties the caches; `nil` when the workspace has no such live token.
    func revoke(_ token: UUID, of workspace: UUID) async throws(PostgresError) -> CommittedEvent? {
        try await postgres.query(Self.revoke, [token, workspace, source]).first { CommittedEvent(row: $0) }
    }
}
