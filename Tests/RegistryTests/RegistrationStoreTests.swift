import Foundation
import PostgresClient
import TestSupport
import Testing

@testable import Registry

@Suite("Registrations in Postgres")
struct RegistrationStoreTests {
    private static let lock = Statement("test_lock", "SELECT FROM workspaces WHERE id = $1 FOR UPDATE")
    private static let touch = Statement(
        "test_touch", "UPDATE workspace_vitals SET last_seen_at = now() WHERE workspace_id = $1")

    private func register(_ id: UUID, _ pool: PostgresPool, hasToken: Bool) async throws -> Registration {
        try await RegistrationStore(postgres: pool, source: "switchyard/test").register(
            id, url: "http://localhost:9000", card: Array(#"{"name":"\#(UUID())"}"#.utf8), hasToken: hasToken,
            mayCreate: true, traceparent: nil)
    }

    @Test("One that meets another change crosswise comes again, and issues one token")
    func crossing() async throws {
        try await withMigratedPool("registry") { pool in
            let id = UUID()
            #expect(try await register(id, pool, hasToken: false).token != nil)
            let again = try await Crossing.with(pool, first: Call(Self.lock, [id]), second: Call(Self.touch, [id])) {
                try await register(id, pool, hasToken: true)
            }
            #expect(again.token == nil && again.event != nil)
        }
    }
}
