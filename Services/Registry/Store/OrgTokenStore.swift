import Authentication
import Contracts
import EventOutbox
import Foundation
import Postgres

/// The statements about operators' tokens.
struct OrgTokenStore: Sendable {
    let postgres: PostgresPool
    let source: String

    private static let issue = Statement(
        "org_token_issue",
        """
        INSERT INTO org_api_tokens (name, org_id, token_hash, prefix, role) VALUES ($1, $2, $3, $4, $5) RETURNING id
        """)

    /// Issues a token. Its secret is in the response and nowhere else.
    func issue(
        name: String, organization: String?, role: OperatorRole
    ) async throws(PostgresError) -> IssuedOrgToken {
        let token = WorkspaceToken.make()
        let id = try await postgres.query(
            Self.issue, [name, organization, Bytea(token.hash), token.prefix, role.rawValue]
        ).only { $0.uuid(0) }
        return IssuedOrgToken(
            id: id, authToken: token.secret, prefix: token.prefix, name: name, orgID: organization, role: role)
    }

    private static let list = Statement(
        "org_token_list",
        """
        SELECT id, name, org_id, prefix, created_at, last_used_at, role FROM org_api_tokens
        WHERE revoked_at IS NULL ORDER BY created_at DESC, id LIMIT $1 OFFSET $2
        """)

    /// Live tokens, newest first.
    func list(_ page: TokenPage) async throws(PostgresError) -> [OrgTokenEntry] {
        try await postgres.query(Self.list, [page.limit, page.offset]).map { row in
            OrgTokenEntry(
                id: row.uuid(0), name: row.string(1), orgID: row.optionalString(2),
                role: OperatorRole(rawValue: row.string(6)) ?? .viewer, prefix: row.string(3), createdAt: row.date(4),
                lastUsedAt: row.optionalDate(5))
        }
    }

    /// The console's sessions that were opened with the token end with it.
    private static let revoke = Statement(
        "org_token_revoke",
        """
        WITH revoked AS (
            UPDATE org_api_tokens SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING id
        ), sessions AS (
            UPDATE console_sessions s SET revoked_at = now() FROM revoked
            WHERE s.org_token_id = revoked.id AND s.revoked_at IS NULL
        )
        INSERT INTO structure_events (type, source, data, traceparent)
        SELECT 'token.revoked', $2, event_token_revoked(id, 'org'), $3 FROM revoked
        RETURNING \(CommittedEvent.columns)
        """)

    /// Revokes a token.
    ///
    /// - Returns: the event that empties the caches; `nil` when there is no such live token.
    func revoke(_ id: UUID, traceparent: String?) async throws(PostgresError) -> CommittedEvent? {
        try await postgres.query(Self.revoke, [id, source, traceparent]).first { CommittedEvent(row: $0) }
    }
}
