import Foundation
import Postgres
import Testing
import TestSupport

@testable import Registry

@Suite("The audit log in Postgres")
struct AuditRecordStoreTests {
    private static let fill = Statement(
        "test_fill",
        """
        WITH w AS (INSERT INTO workspaces (id, name) VALUES ($1, 'alpha'))
        INSERT INTO audit_log (service, actor, actor_name, token_prefix, via, action, target, workspace_id, status,
            request_id, client_ip, at)
        VALUES
            ('registry', 'admin', NULL, NULL, 'token', 'POST /workspaces', NULL, NULL, 201, 'r1', '::1', now() - interval '3 h'),
            ('registry', 'org', 'ci', 'abcdefgh', 'token', 'POST /workspaces/{id}/pause', $1::text, $1, 409, 'r2', '::1',
                now() - interval '2 h'),
            ('registry', 'org', 'ci', 'abcdefgh', 'console', 'DELETE /workspaces/{id}/tokens/{tokenId}', $1 || '/x', $1, 500,
                'r3', '::1', now() - interval '1 h'),
            ('sweeper', 'open', NULL, NULL, 'token', 'POST /admin/sweeps/guard/release', NULL, NULL, NULL, 'r4', '::1', now())
        """)

    @Test("Entries come newest first, page by page, and each filter finds its own")
    func filters() async throws {
        try await withMigratedPool("audit", configuration: .waitingForLocks) { pool in
            let workspace = UUID()
            _ = try await pool.query(Self.fill, [workspace])
            let store = AuditRecordStore(postgres: pool)
            func found(_ change: (inout AuditFilter) -> Void = { _ in }) async throws -> [String] {
                var filter = AuditFilter()
                change(&filter)
                return try await store.list(filter, limit: 10).map(\.requestID)
            }
            #expect(try await found() == ["r4", "r3", "r2", "r1"])
            #expect(try await found { $0.actor = "admin" } == ["r1"])
            #expect(try await found { $0.actor = "abcdefgh" } == ["r3", "r2"])
            #expect(try await found { $0.actor = "ci" } == ["r3", "r2"])
            #expect(try await found { $0.action = "POST /workspaces" } == ["r2", "r1"])
            #expect(try await found { $0.action = "%" } == [])
            #expect(try await found { $0.target = workspace.uuidString.lowercased() } == ["r3", "r2"])
            #expect(try await found { $0.target = workspace.uuidString.lowercased() + "/x" } == ["r3"])
            #expect(try await found { $0.target = "nothing" } == [])
            let results: [AuditResult: [String]] = [.ok: ["r1"], .refused: ["r2"], .failed: ["r3"], .unknown: ["r4"]]
            for (result, ids) in results { #expect(try await found { $0.result = result } == ids) }
            #expect(try await found { $0.since = Date(timeIntervalSinceNow: -5400) } == ["r4", "r3"])
            #expect(try await found { $0.until = Date(timeIntervalSinceNow: -5400) } == ["r2", "r1"])
            let first = try await store.list(AuditFilter(), limit: 2)
            let second = try await store.list(AuditFilter(), before: try #require(first.last).id, limit: 2)
            #expect(second.map(\.requestID) == ["r2", "r1"])
            #expect(second[0].targetName == "alpha" && second[0].result == .refused && second[1].targetName == nil)
            #expect(
                try await othersGoOn(pool, whileReading: "audit_log") {
                    _ = try await store.list(AuditFilter(), limit: 1)
                })
        }
    }
}
