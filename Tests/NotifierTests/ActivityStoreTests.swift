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
            repeat {
                let page = try await store.list(workspace, query)
                #expect(page.bytes.count < ActivityStore.pageBytes + (2 << 20))
                seen += try summaries(page)
                query.before = page.nextBefore
                pages += 1
            } while query.before != nil && pages < 10
            #expect(seen == (1...40).map(String.init))
            #expect(pages == 3)
            let found = try await store.search(workspace, for: "XXX", limit: 200)
            #expect(try JSONValue(decoding: found).array?.count == 16)
            #expect(try await store.search(workspace, for: "y", limit: 200) == Array("[]".utf8))
        }
    }

    private static let addAtOnce = Statement(
        "test_add_at_once",
        """
        INSERT INTO activity_logs (workspace_id, activity_type, summary, response_body, created_at)
        SELECT $1, 'agent_log', n::text, to_json(repeat('x', $2::int)), '2036-01-01 12:00:00.123456Z'
        FROM generate_series(1, $3::int) AS n
        """)

    private func summaries(_ page: ActivityPage) throws -> [String] {
        try #require(try JSONValue(decoding: page.bytes).array).compactMap { $0["summary"]?.string }
    }

    @Test(
        "Rows of one time are on one page, whether it is full by their number or by their size",
        arguments: [10, 1 << 20])
    func sameTime(_ size: Int) async throws {
        try await withMigratedPool("feed") { pool in
            let (workspace, store) = (UUID(), ActivityStore(postgres: pool))
            _ = try await pool.query(Self.add, [workspace, 10, 1])
            _ = try await pool.query(Self.addAtOnce, [workspace, size, 20], deadline: .seconds(60))
            var query = ActivityQuery(limit: size == 10 ? 7 : 500)
            var page = try await store.list(workspace, query)
            #expect(Set(try summaries(page)) == Set((1...20).map(String.init)))
            #expect(page.nextBefore.map { RFC3339.format($0) } == "2036-01-01T12:00:00.123456Z", "as rows have it")
            query.before = page.nextBefore
            page = try await store.list(workspace, query)
            #expect(try summaries(page) == ["1"])
            #expect(page.nextBefore == nil)
        }
    }

    @Test("Even of one time there is an end to what one answer carries")
    func bound() async throws {
        try await withMigratedPool("feed") { pool in
            let workspace = UUID()
            _ = try await pool.query(Self.addAtOnce, [workspace, 8 << 20, 10], deadline: .seconds(60))
            let page = try await ActivityStore(postgres: pool).list(workspace, ActivityQuery(limit: 1))
            #expect(try summaries(page).count == 8)
            #expect(page.nextBefore != nil)
        }
    }
}
