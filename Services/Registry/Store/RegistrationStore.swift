import Authentication
import Contracts
import EventOutbox
import Foundation
import HTTPCore
import JSONBytes
import PlatformInternals
import Postgres
import UVHTTPServer

/// What a registration did.
struct Registration: Sendable {
    /// The workspace's token, the first time only.
    var token: String?
    var event: CommittedEvent?
}

/// Registers agents. One transaction: the row, its vitals, its first token, the event.
struct RegistrationStore: Sendable {
    let postgres: PostgresPool
    let source: String

    /// Without a lock: the row as it is before anything is waited for.
    private static let lock = Statement("register_lock", "SELECT FROM workspaces WHERE id = $1 FOR UPDATE")

    /// A statement of its own behind the lock: its snapshot has the token that the lock may have waited for.
    private static let known = Statement(
        "register_known",
        """
        SELECT w.status, w.url, w.internal_url, w.url_provisioned, w.agent_card,
            EXISTS (SELECT FROM workspace_auth_tokens t WHERE t.workspace_id = w.id)
        FROM workspaces w WHERE w.id = $1
        """)

    private static let insert = Statement(
        "register_insert",
        """
        INSERT INTO workspaces (id, name, status, url, agent_card, self_registered)
        VALUES ($1, $2, 'online', $3, $4, $5)
        ON CONFLICT (id) DO NOTHING
        """)

    /// Before the workspace's own row is locked, as heartbeats do it: two of one agent must not wait for each other.
    private static let touchVitals = Statement(
        "register_touch", "UPDATE workspace_vitals SET last_seen_at = now() WHERE workspace_id = $1")

    private static let insertVitals = Statement(
        "register_vitals",
        """
        INSERT INTO workspace_vitals (workspace_id, last_seen_at) VALUES ($1, now())
        ON CONFLICT (workspace_id) DO NOTHING
        """)

    /// A URL that the provisioner had set is kept; the agent's own is remembered for its peers. Where there is none to
    /// keep, the agent's takes its place without the exemptions that the provisioner's had.
    private static let update = Statement(
        "register_update",
        """
        UPDATE workspaces SET
            url = CASE WHEN url_provisioned AND url <> '' THEN url ELSE $2 END,
            internal_url = CASE WHEN url_provisioned AND url <> '' THEN $2 ELSE internal_url END,
            url_provisioned = url_provisioned AND COALESCE(url, '') <> '',
            agent_card = $3, status = 'online', status_reason = NULL, updated_at = now(),
            status_changed_at = CASE WHEN status = 'online' THEN status_changed_at ELSE now() END
        WHERE id = $1 RETURNING url
        """)

    private static let addToken = Statement(
        "register_token",
        "INSERT INTO workspace_auth_tokens (workspace_id, token_hash, prefix) VALUES ($1, $2, $3)")

    private static let addEvent = Statement(
        "register_event",
        """
        INSERT INTO structure_events (type, workspace_id, source, data, traceparent) VALUES ($1, $2, $3, $4, $5)
        RETURNING \(CommittedEvent.columns)
        """)

    private static let exists = Statement("register_exists", "SELECT FROM workspaces WHERE id = $1")

    /// Registers an agent: sets it `online` from every status but `removed`.
    ///
    /// - Parameters:
    ///   - card: the agent card's JSON as it came.
    ///   - registrant: who does it.
    /// - Throws: `APIError` 401 when it may not be created, or got its first token by another registration meanwhile, 410
    ///   when it was removed, or purged since the registrant was looked at; `PostgresError`.
    func register(
        _ id: UUID, url: String, card: [UInt8], by registrant: Registrant, traceparent: String?
    ) async throws -> Registration {
        try await postgres.transaction { transaction in
            try await register(id, url: url, card: card, registrant, traceparent: traceparent, transaction)
        }
    }

    private func register(
        _ id: UUID, url: String, card: [UInt8], _ registrant: Registrant, traceparent: String?,
        _ transaction: Transaction
    ) async throws -> Registration {
        var known = try await find(id, registrant, transaction)
        if known == nil {
            guard registrant.mayCreate else { throw APIError(.unauthorized, ErrorMessage.adminAuthRequired) }
            let added = try await transaction.query(
                Self.insert, [id, id.lowercased, url, card, !registrant.identity.isOperator])
            _ = try await transaction.query(Self.insertVitals, [id])
            // Someone else registered it in between: then it is theirs that we update.
            if added.affected == 0 { known = try await find(id, registrant, transaction) }
        }
        let hadToken = known?.hasToken == true
        // It was let through when it had none; another registration was faster.
        if hadToken, !registrant.hasToken { throw APIError(.unauthorized, ErrorMessage.missingWorkspaceToken) }
        var result = Registration()
        let change = try await apply(known, id, url, card, transaction)
        if !hadToken { result.token = try await issueToken(id, transaction) }
        if let change {
            let recorded = try await transaction.query(
                Self.addEvent, [EventType.workspaceOnline.rawValue, id, source, change, traceparent])
            result.event = try recorded.first { CommittedEvent(row: $0) }
        }
        return result
    }

    /// What the database has of a workspace that registers.
    private struct Known {
        let status: String
        let url: String?
        let internalURL: String?
        let isProvisioned: Bool
        let card: [UInt8]?
        let hasToken: Bool

        init(_ row: PostgresRow) {
            status = row.string(0)
            url = row.optionalString(1)
            internalURL = row.optionalString(2)
            isProvisioned = row.bool(3)
            card = row.optionalBytes(4)
            hasToken = row.bool(5)
        }
    }

    /// The workspace's row, locked.
    ///
    /// - Returns: `nil` when there is none, and was none before either.
    /// - Throws: `APIError` 410 when it was purged meanwhile: a registration that waited for its lock must not bring it
    ///   back.
    private func find(_ id: UUID, _ registrant: Registrant, _ transaction: Transaction) async throws -> Known? {
        let rows = try await transaction.query([
            Call(Self.exists, [id]), Call(Self.touchVitals, [id]), Call(Self.lock, [id]), Call(Self.known, [id]),
        ])
        if let known = try rows[3].first({ Known($0) }) { return known }
        if registrant.workspaceExisted || !rows[0].isEmpty { throw APIError.workspaceRemoved }
        return nil
    }

    /// Writes what changed.
    ///
    /// - Returns: the event's data; `nil` when the agent only said again what was known.
    private func apply(
        _ known: Known?, _ id: UUID, _ url: String, _ card: [UInt8], _ transaction: Transaction
    ) async throws -> [UInt8]? {
        guard let known else { return Self.eventData(url, card) }
        if known.status == WorkspaceStatus.removed.rawValue {
            throw APIError.workspaceRemoved
        }
        let isProvisioned = known.isProvisioned && known.url?.isEmpty == false
        let ownURL = isProvisioned ? known.internalURL : known.url
        let isUnchanged = known.status == WorkspaceStatus.online.rawValue && ownURL == url && known.card == card
        if isUnchanged { return nil }
        let rows = try await transaction.query(Self.update, [id, url, card])
        return Self.eventData(try rows.only { $0.string(0) }, card)
    }

    private static func eventData(_ url: String, _ card: [UInt8]) -> [UInt8] {
        WorkspaceJSON.object { writer in
            writer.member("url", url)
            writer.member("agent_card", raw: card)
        }
    }

    private func issueToken(_ id: UUID, _ transaction: Transaction) async throws -> String {
        let token = WorkspaceToken.make()
        _ = try await transaction.query(Self.addToken, [id, Bytea(token.hash), token.prefix])
        return token.secret
    }

    private static let replaceCard = Statement(
        "register_card",
        """
        WITH changed AS (
            UPDATE workspaces SET agent_card = $2, updated_at = now()
            WHERE id = $1 AND status <> 'removed' RETURNING id
        )
        INSERT INTO structure_events (type, workspace_id, source, data, traceparent)
        SELECT 'agent_card.updated', id, $3, $4, $5 FROM changed
        RETURNING \(CommittedEvent.columns)
        """)

    /// Replaces the agent card.
    ///
    /// - Returns: the event, or `nil` for an unknown or removed workspace.
    func replaceCard(_ id: UUID, card: [UInt8], traceparent: String?) async throws(PostgresError) -> CommittedEvent? {
        let data = WorkspaceJSON.object { $0.member("agent_card", raw: card) }
        return try await postgres.query(Self.replaceCard, [id, card, source, data, traceparent]).first {
            CommittedEvent(row: $0)
        }
    }
}
