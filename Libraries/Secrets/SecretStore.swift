import Contracts
import Foundation
import Postgres

/// The statements about secrets, whose values are always sealed here.
package struct SecretStore: Sendable {
    let postgres: PostgresPool

    package init(postgres: PostgresPool) {
        self.postgres = postgres
    }

    /// The effective secrets of a workspace: its own, and the global ones that it does not override. A self-registered
    /// workspace gets no global ones: no operator has created it.
    private static let effective = Statement(
        "secret_effective",
        """
        SELECT workspace_id, key, encrypted_value, version FROM workspace_secrets WHERE workspace_id = $1
        UNION ALL
        SELECT NULL, g.key, g.encrypted_value, g.version FROM global_secrets g
        WHERE NOT EXISTS (SELECT FROM workspace_secrets s WHERE s.workspace_id = $1 AND s.key = g.key)
            AND EXISTS (SELECT FROM workspaces w WHERE w.id = $1 AND NOT w.self_registered)
        """)

    func effective(for workspace: UUID) async throws(PostgresError) -> [(secretID: SecretID, sealed: SealedSecret)] {
        try await postgres.query(Self.effective, [workspace]).map { Self.secret($0) }
    }

    private static let effectiveAfterPendingChanges = Statement(
        "secret_settle", "SELECT pg_advisory_xact_lock_shared(hashtextextended('switchyard.secrets', 0))")

    /// As `effective`, after waiting for changes of global secrets in flight. Such a change repeats the starts that
    /// have read the secrets before it: without the wait, a start that begins meanwhile would miss the change.
    func effectiveAfterPendingChanges(for workspace: UUID) async throws -> [(secretID: SecretID, sealed: SealedSecret)]
    {
        // On a connection of its own, which may wait. The second statement's snapshot includes what the first one
        // waited for.
        try await postgres.transaction(deadline: .seconds(15)) { transaction in
            try await transaction.query([Call(Self.effectiveAfterPendingChanges), Call(Self.effective, [workspace])])[1]
        }.map { Self.secret($0) }
    }

    private static let list = Statement(
        "secret_list",
        "SELECT key, created_at, updated_at FROM workspace_secrets WHERE workspace_id = $1 ORDER BY key")
    private static let listGlobal = Statement(
        "secret_list_global", "SELECT key, created_at, updated_at FROM global_secrets ORDER BY key")

    /// The keys and dates of a workspace's own secrets, or with `nil` of the global ones.
    package func list(_ workspace: UUID?) async throws(PostgresError) -> [SecretEntry] {
        let rows =
            if let workspace {
                try await postgres.query(Self.list, [workspace])
            } else {
                try await postgres.query(Self.listGlobal)
            }
        return try rows.map { SecretEntry(key: $0.string(0), createdAt: $0.date(1), updatedAt: $0.date(2)) }
    }

    // MARK: - In a transaction

    private static let lockAll = Statement(
        "secret_all", "SELECT pg_advisory_xact_lock(hashtextextended('switchyard.secrets', 0))")

    /// Blocks starts from reading secrets, and other changes of global secrets, until the transaction ends.
    func lockAll(in transaction: Transaction) async throws(PostgresError) {
        _ = try await transaction.query(Self.lockAll)
    }

    private static let lockWorkspace = Statement(
        "secret_workspace", "SELECT FROM workspaces WHERE id = $1 AND status <> 'removed' FOR SHARE")

    /// Keeps a workspace from being removed until the transaction ends.
    ///
    /// - Returns: false when it is unknown or removed.
    func lock(_ workspace: UUID, in transaction: Transaction) async throws(PostgresError) -> Bool {
        try await !transaction.query(Self.lockWorkspace, [workspace]).isEmpty
    }

    private static let get = Statement(
        "secret_get",
        """
        SELECT workspace_id, key, encrypted_value, version FROM workspace_secrets
        WHERE workspace_id = $1 AND key = $2 FOR UPDATE
        """)
    private static let getGlobal = Statement(
        "secret_get_global",
        "SELECT NULL, key, encrypted_value, version FROM global_secrets WHERE key = $1 FOR UPDATE")

    func get(_ secretID: SecretID, in transaction: Transaction) async throws(PostgresError) -> SealedSecret? {
        let rows =
            if let workspace = secretID.workspace {
                try await transaction.query(Self.get, [workspace, secretID.key])
            } else {
                try await transaction.query(Self.getGlobal, [secretID.key])
            }
        return try rows.first { Self.secret($0).sealed }
    }

    private static let put = Statement(
        "secret_put",
        """
        INSERT INTO workspace_secrets (workspace_id, key, encrypted_value, version) VALUES ($1, $2, $3, $4)
        ON CONFLICT (workspace_id, key) DO UPDATE SET encrypted_value = $3, version = $4, updated_at = now()
        """)
    private static let putGlobal = Statement(
        "secret_put_global",
        """
        INSERT INTO global_secrets (key, encrypted_value, version) VALUES ($1, $2, $3)
        ON CONFLICT (key) DO UPDATE SET encrypted_value = $2, version = $3, updated_at = now()
        """)

    func put(_ sealed: SealedSecret, at secretID: SecretID, in transaction: Transaction) async throws(PostgresError) {
        if let workspace = secretID.workspace {
            _ = try await transaction.query(Self.put, [workspace, secretID.key, Bytea(sealed.bytes), sealed.version])
        } else {
            _ = try await transaction.query(Self.putGlobal, [secretID.key, Bytea(sealed.bytes), sealed.version])
        }
    }

    private static let remove = Statement(
        "secret_remove", "DELETE FROM workspace_secrets WHERE workspace_id = $1 AND key = $2")
    private static let removeGlobal = Statement("secret_remove_global", "DELETE FROM global_secrets WHERE key = $1")

    /// - Returns: false when there was none.
    func remove(_ secretID: SecretID, in transaction: Transaction) async throws(PostgresError) -> Bool {
        let rows =
            if let workspace = secretID.workspace {
                try await transaction.query(Self.remove, [workspace, secretID.key])
            } else {
                try await transaction.query(Self.removeGlobal, [secretID.key])
            }
        return rows.affected > 0
    }

    static func secret(_ row: PostgresRow) -> (secretID: SecretID, sealed: SealedSecret) {
        (
            SecretID(workspace: row.optionalUUID(0), key: row.string(1)),
            SealedSecret(bytes: row.bytea(2), version: row.int(3))
        )
    }
}
