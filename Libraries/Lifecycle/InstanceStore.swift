import Contracts
import Foundation
import Postgres

/// The id of this platform where the operator chose none: made once, by whoever needs it first, and kept.
package struct InstanceStore: Sendable {
    let postgres: PostgresPool

    package init(postgres: PostgresPool) {
        self.postgres = postgres
    }

    /// Somebody deletes it as often as it is made.
    private struct MissingRow: Error {}

    private struct StoredInstance: Codable {
        var id: String
    }

    private static let read = Statement("instance_read", "SELECT value FROM platform_state WHERE key = 'instance'")

    private static let make = Statement(
        "instance_make",
        "INSERT INTO platform_state (key, value) VALUES ('instance', $1) ON CONFLICT (key) DO NOTHING")

    /// The id that all services on this database agree on.
    ///
    /// - Throws: `PostgresError`; `DecodingError` when somebody changed it into something else.
    package func id() async throws -> String {
        if let kept = try await kept() { return kept }
        let json = try JSONEncoder().encode(StoredInstance(id: UUID().lowercased))
        _ = try await postgres.query(Self.make, [Array(json)])
        // Not necessarily the one just made: another service may have been first.
        guard let kept = try await kept() else { throw MissingRow() }
        return kept
    }

    private func kept() async throws -> String? {
        guard let json = try await postgres.query(Self.read).first({ $0.bytes(0) }) else { return nil }
        return try JSONDecoder().decode(StoredInstance.self, from: Data(json)).id
    }
}
