import Contracts
import Foundation
import JSONBytes
import Postgres
import Testing
import TestSupport

@testable import Notifier

@Suite("The feed in Postgres")
struct FeedStoreTests {
    private static let add = Statement(
        "test_add",
        """
        INSERT INTO activity_logs (workspace_id, activity_type, summary, response_body, created_at)
        SELECT $1, 'agent_log', n::text, to_json(repeat('x', $2::int)), now() - make_interval(secs => n)
        FROM generate_series(1, $3::int) AS n
        """)

    @Test(
        "A page has no more rows than it can carry, however well they compress; those behind it are had by what it says"
    )
    func heavyRows() async throws {
        try await withMigratedPool("feed") { pool in
            let workspace = UUID()
            _ = try await pool.query(Self.add, [workspace, 1 << 20, 40], deadline: .seconds(60))
            let store = FeedStore(postgres: pool)
            var (seen, pages): ([String], Int) = ([], 0)
            var query = ActivityQuery(limit: 500)
            repeat {
                let page = try await store.list(workspace, query)
                #expect(page.bytes.count < FeedStore.pageBytes + (2 << 20))
                seen += try summaries(page)
                query.before = page.next
                pages += 1
            } while query.before != nil && pages < 50
            #expect(seen == (1...40).map(String.init))
            #expect(pages == 10)
        }
    }

    @Test("A search goes through rows that one page would not carry, and says where its own page ends")
    func heavySearch() async throws {
        try await withMigratedPool("feed") { pool in
            let workspace = UUID()
            _ = try await pool.query(Self.add, [workspace, 1 << 20, 10], deadline: .seconds(60))
            let search = ActivitySearch(store: FeedStore(postgres: pool))
            func find(_ text: String, before: ActivityPosition? = nil, limit: Int = 200) async throws -> ActivityPage {
                try await search.find(
                    SearchText(text), in: workspace, before: before, limit: limit, timeLimit: .seconds(60))
            }
            var found = try await find("XXX")
            #expect(try summaries(found) == ["1", "2", "3", "4"])
            found = try await find("xxx", before: found.next, limit: 3)
            #expect(try summaries(found) == ["5", "6", "7"])
            found = try await find("10")
            #expect(try summaries(found) == ["10"] && found.next == nil)
            found = try await find("y")
            #expect(found.bytes == Array("[]".utf8) && found.next == nil)
            #expect(try summaries(try await find("  ", limit: 2)) == ["1", "2"])
            // No time at all is enough for the first piece.
            found = try await search.find(SearchText("10"), in: workspace, before: nil, limit: 5, timeLimit: .zero)
            #expect(try summaries(found) == [])
            #expect(found.next != nil)
            found = try await find("10", before: found.next)
            #expect(try summaries(found) == ["10"])
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

    @Test("Rows of one time are on one page, although there are more than the limit")
    func sameTime() async throws {
        try await withMigratedPool("feed") { pool in
            let (workspace, store) = (UUID(), FeedStore(postgres: pool))
            _ = try await pool.query(Self.add, [workspace, 10, 1])
            _ = try await pool.query(Self.addAtOnce, [workspace, 10, 20])
            var query = ActivityQuery(limit: 7)
            var page = try await store.list(workspace, query)
            #expect(Set(try summaries(page)) == Set((1...20).map(String.init)))
            #expect(page.next?.text == "2036-01-01T12:00:00.123456Z", "as rows have it")
            query.before = page.next
            page = try await store.list(workspace, query)
            #expect(try summaries(page) == ["1"])
            #expect(page.next == nil)
        }
    }

    @Test("Where rows of one time are too much for one page, the next one goes on between them")
    func betweenRowsOfOneTime() async throws {
        try await withMigratedPool("feed") { pool in
            let (workspace, store) = (UUID(), FeedStore(postgres: pool))
            _ = try await pool.query(Self.add, [workspace, 10, 1])
            _ = try await pool.query(Self.addAtOnce, [workspace, 1 << 20, 10], deadline: .seconds(60))
            var (seen, query): ([String], ActivityQuery) = ([], ActivityQuery(limit: 1))
            for _ in 0..<10 {
                let page = try await store.list(workspace, query)
                #expect(page.bytes.count < FeedStore.pageBytes + (2 << 20))
                seen += try summaries(page)
                query.before = try page.next.map { try #require(ActivityPosition($0.text)) }
                if query.before == nil { break }
            }
            #expect(seen.count == 11)
            #expect(Set(seen) == Set((1...10).map(String.init)))
        }
    }

    @Test("A page is found by an index from wherever it begins")
    func indexed() async throws {
        try await withMigratedPool("feed") { pool in
            _ = try await pool.query(Self.add, [UUID(), 10, 2000])
            _ = try await pool.query(Statement("test_analyze", "ANALYZE activity_logs"))
            let calls = [
                "SET LOCAL plan_cache_mode = force_generic_plan", "SET LOCAL enable_seqscan = off",
                "PREPARE explained AS \(FeedStore.list.sql)",
                "EXPLAIN EXECUTE explained (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
                "DEALLOCATE explained",
            ].map { Call(Statement("", $0)) }
            let results = try await pool.transaction { session throws(PostgresError) in try await session.query(calls) }
            let plan = try results[3].map { $0.string(0) }.joined(separator: "\n")
            #expect(plan.contains("ROW(created_at, id) <"), "\(plan)")
            #expect(plan.contains("activity_logs_pkey"), "\(plan)")
        }
    }

    @Test(
        "A place in the feed is a time, or what a page said",
        arguments: [
            ("2036-01-01T12:00:00.123456Z", true), ("2036-01-01T12:00:00Z_6f1d2c3b-4a59-4e68-8f7a-0b1c2d3e4f50", true),
            ("0000-01-01T00:00:00Z", false), ("2036-01-01T12:00:00Z_", false), ("2036-01-01T12:00:00Z_x", false),
            ("_6f1d2c3b-4a59-4e68-8f7a-0b1c2d3e4f50", false), ("", false),
        ])
    func position(_ text: String, _ isOne: Bool) {
        #expect((ActivityPosition(text) != nil) == isOne)
    }
}
