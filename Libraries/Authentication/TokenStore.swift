import Contracts
import Foundation
import Postgres

/// A live token or session, with its identity.
struct VerifiedCredential: Sendable {
    /// Of a session of the console.
    struct Session: Sendable {
        let expiresAt: Date
        /// The same time on the monotonic clock.
        let ends: ContinuousClock.Instant
        /// Binds it to the administrator's token that it was made from; nil for an org token's.
        let credentialDigest: [UInt8]?
    }

    let id: UUID
    let identity: Identity
    /// Of an org token.
    var name: String?
    /// Of an org token: its first 8 characters.
    var prefix: String?
    var session: Session?

    /// The id whose revocation ends it: the workspace's; for a session, the org token's; else its own.
    var owner: UUID {
        switch identity {
        case .workspace(let id), .org(let id, _): id
        case .admin, .anonymous: id
        }
    }

    private static let noID = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    static let admin = VerifiedCredential(id: noID, identity: .admin)
    static let anonymous = VerifiedCredential(id: noID, identity: .anonymous)
}

/// The statements about credentials.
struct TokenStore: Sendable {
    let postgres: PostgresPool

    private static let find = Statement(
        "token_find",
        """
        SELECT t.token_hash, t.id, t.workspace_id, NULL::text, NULL::text, NULL::text
        FROM workspace_auth_tokens t JOIN workspaces w ON w.id = t.workspace_id
        WHERE t.token_hash = ANY ($1) AND t.revoked_at IS NULL AND w.status <> 'removed'
        UNION ALL
        SELECT o.token_hash, o.id, NULL, o.role, o.name, o.prefix FROM org_api_tokens o
        WHERE o.token_hash = ANY ($1) AND o.revoked_at IS NULL
        """)

    /// The live tokens among these hashes, by hash.
    func find(hashes: [[UInt8]]) async throws(PostgresError) -> [[UInt8]: VerifiedCredential] {
        var found: [[UInt8]: VerifiedCredential] = [:]
        try await postgres.query(Self.find, [hashes.map { Bytea($0) }]).forEach { row in
            let id = row.uuid(1)
            let workspace = row.optionalUUID(2)
            found[row.bytea(0)] = VerifiedCredential(
                id: id, identity: workspace.map { .workspace($0) } ?? .org(id, Self.role(row.optionalString(3))),
                name: row.optionalString(4), prefix: row.optionalString(5))
        }
        return found
    }

    /// A role that this version does not know gets the fewest rights.
    private static func role(_ text: String?) -> OperatorRole { text.flatMap(OperatorRole.init) ?? .viewer }

    private static let findSessions = Statement(
        "session_find",
        """
        SELECT s.session_hash, s.id, s.org_token_id, o.role, o.name, o.prefix, s.credential_digest, s.expires_at,
            extract(epoch FROM s.expires_at - clock_timestamp())::float8
        FROM console_sessions s LEFT JOIN org_api_tokens o ON o.id = s.org_token_id
        WHERE s.session_hash = ANY ($1) AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp()
            AND (s.org_token_id IS NULL OR o.id IS NOT NULL AND o.revoked_at IS NULL)
        """)

    /// The live sessions of the console among these hashes, by hash. The caller checks which administrator's token a
    /// session was made from.
    func findSessions(hashes: [[UInt8]]) async throws(PostgresError) -> [[UInt8]: VerifiedCredential] {
        var found: [[UInt8]: VerifiedCredential] = [:]
        let now = ContinuousClock.now
        try await postgres.query(Self.findSessions, [hashes.map { Bytea($0) }]).forEach { row in
            let role = Self.role(row.optionalString(3))
            found[row.bytea(0)] = VerifiedCredential(
                id: row.uuid(1), identity: row.optionalUUID(2).map { .org($0, role) } ?? .admin,
                name: row.optionalString(4), prefix: row.optionalString(5),
                session: VerifiedCredential.Session(
                    expiresAt: row.date(7), ends: now + .seconds(row.double(8)),
                    credentialDigest: row.optionalBytea(6)))
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
        try await postgres.query(Self.belongedToRemoved, [Bytea(hash), workspace]).only { $0.bool(0) }
    }

    /// The state of a workspace whose request has no token.
    struct TokenState: Sendable {
        /// There is such a workspace, or was one until it was removed.
        let exists: Bool
        /// A token was issued to it once, even if it is revoked by now.
        let hadToken: Bool
    }

    private static let tokenState = Statement(
        "token_standing",
        """
        SELECT EXISTS (SELECT FROM workspaces WHERE id = $1),
            EXISTS (SELECT FROM workspace_auth_tokens WHERE workspace_id = $1)
        """)

    func tokenState(of workspace: UUID) async throws(PostgresError) -> TokenState {
        try await postgres.query(Self.tokenState, [workspace]).only { row in
            TokenState(exists: row.bool(0), hadToken: row.bool(1))
        }
    }

    private static let markUsed = Statement(
        "token_mark_used",
        """
        WITH used AS MATERIALIZED (
          SELECT t.id FROM workspace_auth_tokens t
          WHERE t.id = ANY ($1) AND (t.last_used_at IS NULL OR t.last_used_at < now() - interval '1 minute')
          ORDER BY t.id FOR UPDATE SKIP LOCKED),
        workspace AS (
          UPDATE workspace_auth_tokens t SET last_used_at = now() FROM used WHERE t.id = used.id)
        UPDATE org_api_tokens t SET last_used_at = now() FROM (
          SELECT o.id FROM org_api_tokens o
          WHERE o.id = ANY ($1) AND (o.last_used_at IS NULL OR o.last_used_at < now() - interval '1 minute')
          ORDER BY o.id FOR UPDATE SKIP LOCKED) AS used
        WHERE t.id = used.id
        """)

    /// Writes that these tokens were used. A row that another instance has locked is just getting the same time.
    func markUsed(_ tokens: [UUID]) async throws(PostgresError) {
        _ = try await postgres.query(Self.markUsed, [tokens])
    }

    private static let seen = Statement(
        "vitals_mark_seen", locks: .requeue,
        """
        WITH locked AS MATERIALIZED (
          SELECT v.workspace_id FROM workspace_vitals v
          WHERE v.workspace_id = ANY ($1)
            AND (v.last_seen_at IS NULL OR v.last_seen_at < now() - interval '10 seconds')
          ORDER BY v.workspace_id FOR UPDATE)
        UPDATE workspace_vitals v SET last_seen_at = now() FROM locked WHERE v.workspace_id = locked.workspace_id
        """)

    /// Moves the workspaces' `last_seen_at` on.
    ///
    /// The statement locks in the order of the ids, as all do that write several vitals: in the order of its plan, two
    /// could deadlock, and block what is behind them in the pipeline until the database detects it a second later.
    func seen(_ workspaces: [UUID]) async throws(PostgresError) {
        _ = try await postgres.query(Self.seen, [workspaces])
    }
}
