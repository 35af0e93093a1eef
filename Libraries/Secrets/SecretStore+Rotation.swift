import Foundation
import Postgres

/// The statements that page through all secrets to re-encrypt them.
extension SecretStore {
    private static let page = Statement(
        "secret_page",
        """
        SELECT workspace_id, key, encrypted_value, version FROM workspace_secrets
        WHERE $1::uuid IS NULL OR (workspace_id, key) > ($1, $2) ORDER BY workspace_id, key LIMIT $3
        """)
    private static let pageGlobal = Statement(
        "secret_page_global",
        """
        SELECT NULL::uuid, key, encrypted_value, version FROM global_secrets
        WHERE $1::text IS NULL OR key > $1 ORDER BY key LIMIT $2
        """)

    /// The next secrets after a cursor; `nil` for the first page.
    func page(
        isGlobal: Bool, after secretID: SecretID?, limit: Int
    ) async throws(PostgresError) -> [(secretID: SecretID, sealed: SealedSecret)] {
        let rows =
            if isGlobal {
                try await postgres.query(Self.pageGlobal, [secretID?.key, limit])
            } else {
                try await postgres.query(Self.page, [secretID?.workspace, secretID?.key, limit])
            }
        return try rows.map { Self.secret($0) }
    }

    private static let replace = Statement(
        "secret_replace",
        """
        UPDATE workspace_secrets s SET encrypted_value = $4, version = $5
        WHERE workspace_id = $1 AND key = $2 AND encrypted_value = $3
        """)
    private static let replaceGlobal = Statement(
        "secret_replace_global",
        "UPDATE global_secrets SET encrypted_value = $3, version = $4 WHERE key = $1 AND encrypted_value = $2")

    /// Replaces a sealed value by another of the same secret. Its date stays: the value is the same.
    ///
    /// - Returns: false when it was set or removed meanwhile.
    func replace(
        _ old: SealedSecret, by new: SealedSecret, at secretID: SecretID
    ) async throws(PostgresError) -> Bool {
        let values: [any PostgresEncodable] = [secretID.key, Bytea(old.bytes), Bytea(new.bytes), new.version]
        let rows =
            if let workspace = secretID.workspace {
                try await postgres.query(Self.replace, [workspace] + values)
            } else {
                try await postgres.query(Self.replaceGlobal, values)
            }
        return rows.affected > 0
    }
}
