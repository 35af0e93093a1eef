import Crypto
import Foundation
import Postgres
import Testing
import TestSupport

@testable import Authentication

@Suite("Tokens in Postgres")
struct TokenStoreTests {
    private static let add = Statement(
        "test_add",
        """
        WITH w AS (INSERT INTO workspaces (id, name, status) VALUES ($1, 'w', $2::workspace_status) RETURNING id)
        INSERT INTO workspace_auth_tokens (workspace_id, token_hash, prefix, revoked_at)
        SELECT id, $3, 'prefix00', CASE WHEN $4 THEN now() END FROM w
        """)
    private static let addOrg = Statement(
        "test_org", "INSERT INTO org_api_tokens (token_hash, prefix) VALUES ($1, 'prefix00')")

    private func hash(_ text: String) -> [UInt8] { sha256(text) }

    @Test("One statement finds every live token of a batch, and no other")
    func batch() async throws {
        try await withMigratedPool("tokens") { pool in
            let (live, revoked, removed) = (UUID(), UUID(), UUID())
            _ = try await pool.query(Self.add, [live, "online", Bytea(hash("live")), false])
            _ = try await pool.query(Self.add, [revoked, "online", Bytea(hash("revoked")), true])
            _ = try await pool.query(Self.add, [removed, "removed", Bytea(hash("removed")), false])
            _ = try await pool.query(Self.addOrg, [Bytea(hash("org"))])
            let store = TokenStore(postgres: pool)
            let asked = ["live", "revoked", "removed", "org", "unknown", "live"].map(hash)
            let found = try await store.find(hashes: asked)
            #expect(Set(found.keys) == [hash("live"), hash("org")])
            #expect(found[hash("live")]?.identity == .workspace(live))
            #expect(found[hash("org")]?.identity.isOperator == true)
        }
    }

    @Test("A removed workspace's token is known as what it was, another's is not")
    func removed() async throws {
        try await withMigratedPool("tokens") { pool in
            let (removed, other) = (UUID(), UUID())
            _ = try await pool.query(Self.add, [removed, "removed", Bytea(hash("removed")), true])
            _ = try await pool.query(Self.add, [other, "online", Bytea(hash("other")), true])
            let store = TokenStore(postgres: pool)
            #expect(try await store.belongedToRemoved(removed, hash: hash("removed")))
            #expect(try await !store.belongedToRemoved(removed, hash: hash("other")))
            #expect(try await !store.belongedToRemoved(other, hash: hash("other")))
        }
    }
}
