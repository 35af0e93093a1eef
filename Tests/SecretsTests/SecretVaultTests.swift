import Foundation
import Postgres
import Testing
import TestSupport

@testable import Secrets

@Suite("Secrets in Postgres")
struct SecretVaultTests {
    private static let one = "0123456789abcdef0123456789abcdef"
    private static let two = "fedcba9876543210fedcba9876543210"

    private static let add = Statement(
        "test_add", "INSERT INTO workspaces (id, name, status) VALUES ($1, 'w', $2::workspace_status)")
    private static let swap = Statement(
        "test_swap",
        """
        UPDATE workspace_secrets SET encrypted_value = (SELECT encrypted_value FROM workspace_secrets WHERE key = 'A')
        WHERE key = 'B'
        """)
    private static let damage = Statement(
        "test_damage", "UPDATE global_secrets SET encrypted_value = '\\x00' WHERE key = $1")
    private static let stored = Statement(
        "test_stored",
        "SELECT encrypted_value FROM global_secrets UNION ALL SELECT encrypted_value FROM workspace_secrets")

    private func vault(_ keys: String, _ pool: PostgresPool) throws -> SecretVault {
        SecretVault(store: SecretStore(postgres: pool), keys: try #require(SecretKeys(text: keys))) { _, _ in }
    }

    private func workspace(_ pool: PostgresPool, status: String = "online") async throws -> UUID {
        let id = UUID()
        _ = try await pool.query(Self.add, [id, status])
        return id
    }

    @Test("A workspace's own secret overrides that of all, and goes with its removal from the list")
    func override() async throws {
        try await withMigratedPool("secrets") { pool in
            let vault = try vault(Self.one, pool)
            let (own, other) = (try await workspace(pool), try await workspace(pool))
            try await vault.put("for all", at: SecretID(workspace: nil, key: "A"))
            try await vault.put("shared", at: SecretID(workspace: nil, key: "B"))
            try await vault.put("own", at: SecretID(workspace: own, key: "A"))
            #expect(try await vault.environment(of: own) == ["A": "own", "B": "shared"])
            #expect(try await vault.environment(of: other) == ["A": "for all", "B": "shared"])
            #expect(try await vault.remove(SecretID(workspace: own, key: "A")))
            #expect(try await !vault.remove(SecretID(workspace: own, key: "A")))
            #expect(try await vault.environment(of: own) == ["A": "for all", "B": "shared"])
            for row in try await pool.query(Self.stored).all {
                #expect(!String(decoding: row.bytea(0), as: UTF8.self).contains("shared"))
            }
        }
    }

    private static let claimOwn = Statement(
        "test_self", "UPDATE workspaces SET self_registered = true WHERE id = $1")

    @Test("A workspace that was not created gets its own secrets alone")
    func selfRegistered() async throws {
        try await withMigratedPool("secrets") { pool in
            let vault = try vault(Self.one, pool)
            let id = try await workspace(pool)
            _ = try await pool.query(Self.claimOwn, [id])
            try await vault.put("for all", at: SecretID(workspace: nil, key: "A"))
            try await vault.put("own", at: SecretID(workspace: id, key: "B"))
            #expect(try await vault.environment(of: id) == ["B": "own"])
            #expect(try await vault.environment(forStartOf: id) == ["B": "own"])
        }
    }

    private static let lockSecret = Statement(
        "test_lock", "SELECT FROM workspace_secrets WHERE workspace_id = $1 FOR UPDATE")
    private static let rename = Statement("test_rename", "UPDATE workspaces SET name = 'renamed' WHERE id = $1")

    @Test("A change that meets another one crosswise comes again")
    func crossing() async throws {
        try await withMigratedPool("secrets") { pool in
            let vault = try vault(Self.one, pool)
            let id = try await workspace(pool)
            let secretID = SecretID(workspace: id, key: "A")
            try await vault.put("old", at: secretID)
            try await DeadlockPeer.with(pool, first: Call(Self.lockSecret, [id]), second: Call(Self.rename, [id])) {
                try await vault.put("new", at: secretID)
            }
            #expect(try await vault.environment(of: id) == ["A": "new"])
        }
    }

    @Test("Rows that changed places, and rows that were damaged, abort with a safe error message")
    func damaged() async throws {
        try await withMigratedPool("secrets") { pool in
            let vault = try vault(Self.one, pool)
            let (first, second) = (try await workspace(pool), try await workspace(pool))
            try await vault.put("a", at: SecretID(workspace: first, key: "A"))
            try await vault.put("b", at: SecretID(workspace: first, key: "B"))
            _ = try await pool.query(Self.swap)
            await #expect(throws: SecretError.undecryptableWorkspace) { try await vault.environment(of: first) }
            try await vault.put("c", at: SecretID(workspace: nil, key: "C"))
            _ = try await pool.query(Self.damage, ["C"])
            await #expect(throws: SecretError.undecryptableGlobal) { try await vault.environment(of: second) }
            // Setting it repairs it.
            try await vault.put("c", at: SecretID(workspace: nil, key: "C"))
            #expect(try await vault.environment(of: second) == ["C": "c"])
        }
    }

    @Test("No secrets are stored for a workspace that is unknown or removed")
    func unknown() async throws {
        try await withMigratedPool("secrets") { pool in
            let vault = try vault(Self.one, pool)
            for id in [UUID(), try await workspace(pool, status: "removed")] {
                await #expect(throws: SecretError.noWorkspace) {
                    try await vault.put("x", at: SecretID(workspace: id, key: "A"))
                }
            }
        }
    }

    @Test("After a rotation the old key can go; two rotations at once preserve all values, and one set meanwhile stays")
    func rotation() async throws {
        try await withMigratedPool("secrets") { pool in
            let old = try vault(Self.one, pool)
            let both = try vault("\(Self.two),\(Self.one)", pool)
            let new = try vault(Self.two, pool)
            let id = try await workspace(pool)
            let count = 450
            for number in 0..<count {
                let secretID = SecretID(workspace: number % 2 == 0 ? id : nil, key: "KEY_\(number)")
                try await old.put("value \(number)", at: secretID)
            }
            await #expect(throws: SecretError.self) { try await new.environment(of: id) }
            async let first = both.rotate()
            async let second = both.rotate()
            async let meanwhile: Void = both.put("newer", at: SecretID(workspace: id, key: "KEY_0"))
            let rotations = try await [first, second]
            try await meanwhile
            #expect(rotations.map(\.reencrypted).reduce(0, +) >= count - 1)
            #expect(rotations.allSatisfy { $0.unreadable == 0 })
            #expect(try await both.rotate() == SecretVault.Rotation())
            let values = try await new.environment(of: id)
            #expect(values.count == count && values["KEY_0"] == "newer" && values["KEY_449"] == "value 449")
            #expect(try await old.rotate() == SecretVault.Rotation(reencrypted: 0, unreadable: count))
        }
    }
}
