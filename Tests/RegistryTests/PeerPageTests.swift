import Contracts
import Foundation
import JSONBytes
import Postgres
import Testing
import TestSupport

@testable import Registry

@Suite("Pages of peers")
struct PeerPageTests {
    private static let plant = Statement(
        "test_plant",
        """
        WITH w AS (
            INSERT INTO workspaces (id, name, role, status, parent_id, agent_card)
            SELECT id, name, role, 'online', parent, ('{"x":"' || repeat('x', $5) || '"}')::json
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[]) AS w (id, name, role, parent) RETURNING id
        )
        INSERT INTO workspace_vitals (workspace_id) SELECT id FROM w
        """)

    private func plant(
        _ workspaces: [(name: String, parent: UUID?)], cardBytes: Int = 1, _ pool: PostgresPool
    ) async throws -> [UUID] {
        let ids = workspaces.map { _ in UUID() }
        _ = try await pool.query(
            Self.plant,
            [ids, workspaces.map(\.name), workspaces.map { "role of \($0.name)" }, workspaces.map(\.parent), cardBytes])
        return ids
    }

    private func names(_ json: [UInt8]) throws -> [String] {
        try (JSONValue(decoding: json).array ?? []).compactMap { $0["name"]?.string }
    }

    /// All pages, one after the other.
    private func pages(
        of id: UUID, matching text: String? = nil, limit: Int, _ store: PeerStore
    ) async throws -> [[String]] {
        var pages: [[String]] = []
        var cursor: PeerCursor?
        repeat {
            let page = try await store.peers(of: id, matching: text, after: cursor, limit: limit)
            pages.append(try names(page.json))
            cursor = page.next
        } while cursor != nil && pages.count < 100
        return pages
    }

    @Test("Parent and children come before siblings, by name; pages join without gap or repetition")
    func order() async throws {
        try await withMigratedPool("peers") { pool in
            let store = PeerStore(postgres: pool)
            let root = try await plant([("m root", nil), ("other root", nil)], pool)[0]
            let own = try await plant([("self", root)], pool)[0]
            // Names that begin alike beyond what the order compares, and some that are the same.
            let long = String(repeating: "ä", count: 200)
            let siblings = ["a", "b", "b", long + "1", long + "2"]
            _ = try await plant(siblings.map { ($0, root) }, pool)
            _ = try await plant([("z child", own), ("c child", own)], pool)
            let all = try await pages(of: own, limit: 1000, store)
            #expect(all.count == 1)
            #expect(Array(all[0].prefix(3)) == ["c child", "m root", "z child"])
            #expect(all[0].dropFirst(3).sorted() == siblings.sorted())
            for limit in 1...4 {
                let paged = try await pages(of: own, limit: limit, store)
                #expect(paged.flatMap { $0 } == all[0], "pages of \(limit)")
                #expect(paged.allSatisfy { $0.count <= limit })
            }
            #expect(
                try await pages(of: own, matching: "CHILD", limit: 1, store).flatMap { $0 } == ["c child", "z child"])
            #expect(try await pages(of: own, matching: "role of b", limit: 1, store).flatMap { $0 } == ["b", "b"])
            #expect(try await pages(of: root, limit: 1, store).flatMap { $0 }.last == "other root")
        }
    }

    @Test("Of a fleet of roots a thousand come at once, and fewer when their cards are large")
    func bounds() async throws {
        try await withMigratedPool("peers") { pool in
            let store = PeerStore(postgres: pool)
            let roots = try await plant((0..<1005).map { ("root \($0)", nil) }, pool)
            let whole = try await store.peers(of: roots[0], matching: nil)
            #expect(try names(whole.json).count == 1000 && whole.next != nil)
            let rest = try await store.peers(of: roots[0], matching: nil, after: whole.next)
            #expect(try names(rest.json).count == 4 && rest.next == nil)

            let parent = roots[1]
            let large = try await plant((0..<12).map { ("large \($0)", parent) }, cardBytes: 1 << 20, pool)
            let all = try await pages(of: large[0], limit: 1000, store)
            #expect(all.flatMap { $0 }.count == 12 && Set(all.flatMap { $0 }).count == 12)
            #expect(all.allSatisfy { $0.count <= 5 } && all.count <= 4, "\(all.map(\.count))")
        }
    }

    @Test("A row that the schema does not allow is an error of its own request and no end of the process")
    func misfit() async throws {
        try await withMigratedPool("peers") { pool in
            let root = try await plant([("root", nil)], pool)[0]
            let child = try await plant([("child", root)], pool)[0]
            for change in ["ALTER COLUMN name DROP NOT NULL", "ALTER COLUMN tier DROP NOT NULL"] {
                _ = try await pool.query(Statement("", "ALTER TABLE workspaces \(change)"))
            }
            _ = try await pool.query(Statement("", "UPDATE workspaces SET tier = NULL WHERE id = $1"), [child])
            let store = PeerStore(postgres: pool)
            await #expect(throws: PostgresError.self) { _ = try await store.peers(of: root, matching: nil) }
            _ = try await pool.query(Statement("", "UPDATE workspaces SET name = NULL WHERE id = $1"), [child])
            await #expect(throws: PostgresError.self) { _ = try await store.find(child) }
            #expect(try await store.find(root)?.name == "root")
        }
    }
}
