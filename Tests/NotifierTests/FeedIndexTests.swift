import Foundation
import JSONBytes
import Observability
import Postgres
import ServiceLifecycle
import Testing
import TestSupport
import UVLoop

@testable import Notifier

@Suite("The index of the feed")
struct FeedIndexTests {
    private func filter(_ json: String) -> [UInt8] {
        var (filter, scratch) = (GramFilter(), SearchText.Scratch())
        Array(json.utf8).withUnsafeBufferPointer { SearchText.add(json: $0, to: &filter, scratch: &scratch) }
        return filter.bytes
    }

    private func has(_ filter: [UInt8], _ text: String) throws -> Bool {
        let hashes = try #require(SearchText(text)).hashes.map { Int($0) % (filter.count * 8) }
        return hashes.allSatisfy { filter[$0 / 8] >> ($0 % 8) & 1 == 1 }
    }

    @Test(
        "A piece's filter has whatever a search would find in it",
        arguments: [
            ("größe", #"{"t":"die Gr\u00f6\u00dfe"}"#), ("GRÖSSE Ä", #"["grösse ä"]"#), ("ПРИВЕТ", #"["Привет, мир"]"#),
            ("😀😀", #"{"t":"\ud83d\ude00\ud83d\ude00"}"#), (#"say "hi""#, #"{"t":"They say \"hi\"."}"#),
            ("first one\ntwo of them", #"{"t":"first one\r\ntwo of them"}"#), ("one\r\ntwo", #"{"t":"one\ntwo"}"#),
            ("http://x/y", #"{"t":"http:\/\/x\/y"}"#), ("100%_sure", #"["100%_SURE"]"#), ("123456", #"{"n":123456}"#),
            ("-1.5e10", "[-1.5e10]"), ("e\u{301}cole", #"["\u00e9cole"]"#), ("中文中文", #"["\u4e2d\u6587中文"]"#),
            ("ab", #"["xyz"]"#), ("a\nb\nc", #"["a\nb\nc"]"#),
        ])
    func complete(_ text: String, _ json: String) throws {
        #expect(try has(filter(json), text))
        // Terms too short for the index, a line break apart, may stand anywhere.
        let other = filter(#"{"a member's name":"some other text"}"#)
        #expect(try has(other, text) == #require(SearchText(text)).hashes.isEmpty)
    }

    @Test("A filter is as short as what it has allows, and grows no further than its bound")
    func size() throws {
        #expect(filter("[]").count == 1024)
        let words = (0..<20_000).map { _ in UUID().uuidString }.joined(separator: " ")
        #expect(filter("\"\(words)\"").count == 131_072)
        let few = (0..<20).map { _ in UUID().uuidString }
        let small = filter("\"\(few.joined(separator: " "))\"")
        #expect(small.count <= 2048)
        for word in few { #expect(try has(small, word)) }
        let others = (0..<100).map { _ in UUID().uuidString }
        #expect(try others.filter { try has(small, $0) }.isEmpty)
    }

    // MARK: - In Postgres

    /// Rows an hour or more old, a second apart but in pairs of one time; every `n` in `rare` has words of its own.
    private static let add = Statement(
        "test_add",
        """
        WITH w AS (INSERT INTO workspaces (id, name, status) VALUES ($1, 'w', 'online') ON CONFLICT DO NOTHING)
        INSERT INTO activity_logs (workspace_id, activity_type, summary, request_body, created_at)
        SELECT $1, 'agent_log', n::text, json_build_object('text', CASE
            WHEN n % 700 = 3 THEN 'Überraschung needle-' || n ELSE 'hay ' || md5(n::text) END),
            date_trunc('second', now()) - make_interval(secs => 3601 + n / 2)
        FROM generate_series(1, $2::int) AS n
        """)

    private func with(
        _ body: (PostgresPool, UUID, _ index: () throws -> FeedIndexer, ActivitySearch) async throws -> Void
    ) async throws {
        let url = try await SharedServers.postgres().makeMigratedDatabase("feed_index")
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let pool = PostgresPool(url: url, group: group, configuration: .unhurried)
        let slow = SlowQueryBulkhead(
            databaseURL: url, applicationName: "index-test", metrics: MetricsRegistry(includesProcess: false))
        let search = ActivitySearch(store: FeedStore(postgres: pool))
        var failure: (any Error)?
        do {
            try await body(pool, UUID(), { FeedIndexer(slow, logger: .disabled) }, search)
        } catch { failure = error }
        await slow.close()
        await pool.close()
        if let failure { throw failure }
    }

    /// All that a search finds, page by page.
    private func find(
        _ text: String, _ search: ActivitySearch, _ workspace: UUID, limit: Int = 1,
        within time: Duration = .seconds(60)
    ) async throws -> [Int] {
        var (found, before): ([Int], ActivityPosition?) = ([], nil)
        for _ in 0..<1000 {
            let page = try await search.find(
                SearchText(text), in: workspace, before: before, limit: limit, timeLimit: time)
            let rows = try #require(try JSONValue(decoding: page.bytes).array)
            found += rows.compactMap { $0["summary"]?.string.flatMap(Int.init) }
            before = try page.next.map { try #require(ActivityPosition($0.text)) }
            if before == nil { return found }
        }
        Issue.record("no end")
        return found
    }

    @Test("Searches find the same with it, each row once, and read what may have it")
    func same() async throws {
        try await with { pool, workspace, index, search in
            _ = try await pool.query(Self.add, [workspace, 2_760])
            let all = [3, 703, 1_403, 2_103]
            let texts = [
                ("needle-", all), ("ÜBERRASCHUNG", all), ("needle-1403", [1_403]), ("no such words", []),
                ("le-2", [2_103]),
            ]
            for (text, wanted) in texts { #expect(try await find(text, search, workspace) == wanted, "\(text)") }
            let pairs = try await find("hay ", search, workspace, limit: 200)
            try await index().index(workspace)
            // A row that is in no piece yet, and one that is gone.
            _ = try await pool.query(
                Statement(
                    "test_late",
                    """
                    WITH gone AS (DELETE FROM activity_logs WHERE workspace_id = $1 AND summary = '703')
                    INSERT INTO activity_logs (workspace_id, activity_type, summary) VALUES ($1, 'agent_log', '0 needle-')
                    """), [workspace])
            for (text, wanted) in texts.dropFirst() {
                #expect(try await find(text, search, workspace) == wanted.filter { $0 != 703 }, "\(text)")
            }
            #expect(try await find("hay ", search, workspace, limit: 200) == pairs)
            #expect(try await find("hay ", search, workspace, limit: 7) == pairs)
            // Each page ends where its first piece does, between two rows of one time.
            #expect(try await find("hay ", search, workspace, limit: 200, within: .zero) == pairs)
            #expect(Set(pairs).count == pairs.count && pairs.count == 2_756)
            let page = try await search.find(SearchText("needle-"), in: workspace, before: nil, limit: 9)
            #expect(try JSONValue(decoding: page.bytes).array?.count == 4)
            // 2,760 rows are five pieces, and what is above and below them.
            let blocks = BlockStore(postgres: pool)
            func ranges(_ text: String) async throws -> [Bool] {
                let hashes = try #require(SearchText(text)).hashes
                return try await blocks.ranges(workspace, hashes: hashes, before: nil).ranges.map(\.isIndexed)
            }
            #expect(try await ranges("needle-1403") == [false, true, false])
            #expect(try await ranges("no such words at all") == [false, false])
            #expect(try await ranges("hay ") == [false, true, true, true, true, true, false])
            #expect(try await ranges("abc") == [false])
        }
    }

    @Test("A row that comes into a piece that has its filter already is found, and the piece's others still are")
    func latecomer() async throws {
        try await with { pool, workspace, index, search in
            _ = try await pool.query(Self.add, [workspace, 1_600])
            try await index().index(workspace)
            #expect(try await find("latecomer", search, workspace) == [])
            let late = Statement(
                "test_latecomer",
                """
                INSERT INTO activity_logs (workspace_id, activity_type, summary, request_body, created_at)
                SELECT $1, 'agent_log', '5000', '"latecomer"', created_at FROM activity_logs
                WHERE workspace_id = $1 AND summary = '702'
                """)
            for _ in 0..<2 { _ = try await pool.query(late, [workspace]) }
            #expect(try await find("latecomer", search, workspace) == [5000, 5000])
            #expect(try await find("needle-", search, workspace) == [3, 703, 1_403])
        }
    }

    @Test("Of a workspace that is gone nothing is made, and that has an end")
    func gone() async throws {
        try await with { pool, workspace, index, _ in
            _ = try await pool.query(Self.add, [workspace, 1_600])
            _ = try await pool.query(Statement("test_gone", "DELETE FROM workspaces WHERE id = $1"), [workspace])
            try await index().index(workspace)
            let count = Statement("test_count", "SELECT count(*)::int FROM activity_blocks")
            #expect(try await pool.query(count).only { $0.int(0) } == 0)
        }
    }

    @Test("Pieces are contiguous, whichever instance makes them, and have no recent row")
    func chain() async throws {
        try await with { pool, workspace, index, _ in
            _ = try await pool.query(Self.add, [workspace, 1_600])
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<3 {
                    let indexer = try index()
                    group.addTask { try await indexer.index(workspace) }
                }
                try await group.waitForAll()
            }
            let young = """
                INSERT INTO activity_logs (workspace_id, activity_type, created_at)
                SELECT $1, 'agent_log', now() - make_interval(secs => 3500 - n) FROM generate_series(1, 2000) AS n
                """
            _ = try await pool.query(Statement("test_young", young), [workspace])
            try await index().index(workspace)
            let chain = try await pool.query(
                Statement(
                    "test_chain",
                    """
                    SELECT count(*)::int, count(*) FILTER (WHERE next_at IS NULL OR (upper_at, upper_id) = (next_at, next_id))::int,
                        (SELECT count(*)::int FROM activity_logs a WHERE a.workspace_id = $1 AND EXISTS (
                            SELECT FROM activity_blocks b WHERE b.workspace_id = $1
                                AND (a.created_at, a.id) >= (b.lower_at, b.lower_id)
                                AND (a.created_at, a.id) < (b.upper_at, b.upper_id)))
                    FROM (SELECT *, lead(lower_at) OVER w AS next_at, lead(lower_id) OVER w AS next_id FROM activity_blocks
                        WHERE workspace_id = $1 WINDOW w AS (ORDER BY lower_at, lower_id)) AS b
                    """), [workspace]
            ).only { [$0.int(0), $0.int(1), $0.int(2)] }
            #expect(chain == [3, 3, 1_500])
        }
    }

    @Test("A search that had much to read has the index made; others do not")
    func onDemand() async throws {
        try await with { pool, workspace, index, search in
            _ = try await pool.query(Self.add, [workspace, 1_600])
            let count = Statement("test_count", "SELECT count(*)::int FROM activity_blocks WHERE workspace_id = $1")
            let indexer = try index()
            let shutdown = ShutdownSignal()
            let service = Task { try await indexer.run(until: shutdown) }
            let asking = ActivitySearch(store: search.store, indexer: indexer)
            // Found at once, and so no piece is requested.
            _ = try await asking.find(SearchText("hay "), in: workspace, before: nil, limit: 1)
            #expect(try await pool.query(count, [workspace]).only { $0.int(0) } == 0)
            #expect(try await find("no such words", asking, workspace) == [])
            try await eventually("the pieces") { try await pool.query(count, [workspace]).only { $0.int(0) } == 3 }
            shutdown.give()
            try await service.value
        }
    }
}
