import Foundation
import PostgresClient

/// A live token, as the database knows it.
struct KnownToken: Sendable {
    let id: UUID
    let identity: Identity
}

/// The statements about credentials.
struct TokenStore: Sendable {
    let postgres: PostgresPool

    private static let find = Statement(
        "token_find",
        """
        SELECT t.token_hash, t.id, t.workspace_id
        FROM workspace_auth_tokens t JOIN workspaces w ON w.id = t.workspace_id
        WHERE t.token_hash = ANY ($1) AND t.revoked_at IS NULL AND w.status <> 'removed'
        UNION ALL
        SELECT o.token_hash, o.id, NULL FROM org_api_tokens o WHERE o.token_hash = ANY ($1) AND o.revoked_at IS NULL
        """)

    /// The live tokens among these hashes, by hash.
    func find(hashes: [[UInt8]]) async throws(PostgresError) -> [[UInt8]: KnownToken] {
        var found: [[UInt8]: KnownToken] = [:]
        for row in try await postgres.query(Self.find, [hashes.map { Bytea($0) }]) {
            let workspace = row.optionalUUID(2)
            found[row.bytea(0)] = KnownToken(
                id: row.uuid(1), identity: workspace.map { .workspace($0) } ?? .org(row.uuid(1)))
        }
        return found
    }

    private static let belongedToRemoved = Statement(
        "token_removed",
        """
        SELECT EXISTS (
            SELECT FROM workspace_auth_tokens t JOIN workspaces w ON w.id = t.workspace_id
            WHERE t.token_hash = $1 AND t.workspace_id = $2 AND w.status = 'removed')
        """)

    /// Whether the token was one of this workspace's, which has been removed.
    func belongedToRemoved(_ workspace: UUID, hash: [UInt8]) async throws(PostgresError) -> Bool {
        try await postgres.query(Self.belongedToRemoved, [Bytea(hash), workspace])[0].bool(0)
    }

    private static let everHadToken = Statement(
        "token_ever", "SELECT EXISTS (SELECT FROM workspace_auth_tokens WHERE workspace_id = $1)")

    /// Whether a token was ever issued to the workspace, revoked ones included.
    func everHadToken(_ workspace: UUID) async throws(PostgresError) -> Bool {
        try await postgres.query(Self.everHadToken, [workspace])[0].bool(0)
    }

    private static let touch = Statement(
        "token_touch",
        """
        WITH used AS (SELECT unnest($1::uuid[]) AS id),
        workspace AS (
            UPDATE workspace_auth_tokens t SET last_used_at = now() FROM used
            WHERE t.id = used.id AND (t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 minute')
        )
        UPDATE org_api_tokens t SET last_used_at = now() FROM used
        WHERE t.id = used.id AND (t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 minute')
        """)

    /// Notes that these tokens were used.
    func touch(_ tokens: [UUID]) async throws(PostgresError) {
        _ = try await postgres.query(Self.touch, [tokens])
    }

    private static let seen = Statement(
        "vitals_seen",
        """
        UPDATE workspace_vitals v SET last_seen_at = now() FROM unnest($1::uuid[]) AS seen(id)
        WHERE v.workspace_id = seen.id AND (v.last_seen_at IS NULL OR v.last_seen_at < now() - interval '10 seconds')
        """)

    /// Moves the workspaces' `last_seen_at` on.
    ///
    /// - Parameter workspaces: in ascending order, so that two instances lock rows in the same order.
    func seen(_ workspaces: [UUID]) async throws(PostgresError) {
        _ = try await postgres.query(Self.seen, [workspaces])
    }
}
