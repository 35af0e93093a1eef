import Contracts
import Foundation
import JSONBytes
import PostgresClient
import TestSupport
import Testing

@testable import Notifier

@Suite("The feed in Postgres")
struct ActivityStoreTests {
    private static let add = Statement(
        "test_add",
        """
        INSERT INTO activity_logs (workspace_id, activity_type, summary, response_body, created_at)
        SELECT $1, 'agent_log', n::text, to_json(repeat('x', $2::int)), now() - make_interval(secs => n)
        FROM generate_series(1, $3::int) AS n
        """)

    @Test("An answer has no more rows than it can carry; those behind it are had by asking for what is before")
    func heavyRows() async throws {
        try await withMigratedPool("feed") { pool in
            let workspace = UUID()
            _ = try await pool.query(Self.add, [workspace, 1 << 20, 40], deadline: .seconds(60))
            let store = ActivityStore(postgres: pool)
            var (seen, pages): ([String], Int) = ([], 0)
            var query = ActivityQuery(limit: 500)
            while pages < 10 {
                let bytes = try await store.list(workspace, query)
                #expect(bytes.count < ActivityStore.pageBytes + (2 << 20))
                let rows = try #require(try JSONValue(decoding: bytes).array)
                guard let last = rows.last else { break }
                seen += rows.compactMap { $0["summary"]?.string }
                query.before = last["created_at"]?.string.flatMap { RFC3339.parse($0) }
                pages += 1
            }
            #expect(seen == (1...40).map(String.init))
            #expect(pages == 3)
            let found = try await store.search(workspace, for: "XXX", limit: 200)
            #expect(try JSONValue(decoding: found).array?.count == 16)
            #expect(try await store.search(workspace, for: "y", limit: 200) == Array("[]".utf8))
        }
    }
}
