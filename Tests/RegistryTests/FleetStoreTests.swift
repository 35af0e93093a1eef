import Contracts
import Foundation
import PlatformInternals
import Postgres
import Registry
import Testing
import TestSupport

@Suite("The fleet as a list") struct FleetStoreTests {
    private struct Fixture {
        let pool: PostgresPool
        var store: FleetStore { FleetStore(postgres: pool) }

        private static let add = Statement(
            "test_add_fleet",
            """
            WITH w AS (
                INSERT INTO workspaces (id, name, role, status, parent_id, runtime, monthly_spend)
                VALUES ($1, $2, $3, $4::workspace_status, $5, $6, $7) RETURNING id)
            INSERT INTO workspace_vitals (workspace_id, active_tasks, last_heartbeat_at)
            SELECT id, $8, CASE WHEN $8 > 1 THEN now() END FROM w
            """)

        @discardableResult
        func add(
            _ name: String, role: String? = nil, _ status: WorkspaceStatus = .online, parent: UUID? = nil,
            runtime: String = "langgraph", tasks: Int = 0
        ) async throws -> UUID {
            let id = UUID()
            _ = try await pool.query(Self.add, [id, name, role, status.rawValue, parent, runtime, tasks % 3, tasks])
            return id
        }

        func sql(_ text: String) async throws { _ = try await pool.query(Statement("", text)) }

        func ids(_ filter: FleetFilter, _ order: FleetOrder = FleetOrder(), limit: Int = 100) async throws -> [UUID] {
            var (ids, cursor) = ([UUID](), FleetCursor?.none)
            repeat {
                let page = try await store.page(filter, order, after: cursor, limit: limit)
                ids += try page.rows.map { $0.uuid(0) }.prefix(page.shown)
                // As a client hands it back.
                cursor = page.next.flatMap { FleetCursor($0.text, order) }
                #expect((page.next == nil) == (cursor == nil))
            } while cursor != nil
            return ids
        }
    }

    private func with(_ body: (Fixture) async throws -> Void) async throws {
        try await withMigratedPool("fleet_list") { pool in try await body(Fixture(pool: pool)) }
    }

    private func filter(_ change: (inout FleetFilter) -> Void) -> FleetFilter {
        var filter = FleetFilter()
        change(&filter)
        return filter
    }

    @Test("In every order, either way, the pages are the whole list, each workspace once")
    func orders() async throws {
        try await with { fixture in
            for number in 0..<23 {
                let id = try await fixture.add(
                    "W\(number / 2): a", role: number % 2 == 0 ? nil : "r\(number % 4)",
                    number % 3 == 0 ? .paused : .online, runtime: number % 5 == 0 ? "hermes" : "langgraph",
                    tasks: number % 4)
                if number % 6 == 0 {
                    try await fixture.sql(
                        "INSERT INTO a2a_queue (workspace_id, body) SELECT '\(id)', '{}' FROM generate_series(0, \(number))"
                    )
                }
            }
            for key in FleetOrder.Key.allCases {
                var order = FleetOrder()
                order.key = key
                let ascending = try await fixture.ids(FleetFilter(), order, limit: 5)
                #expect(Set(ascending).count == 23, "\(key)")
                #expect(ascending.count == 23)
                order.isDescending = true
                #expect(try await fixture.ids(FleetFilter(), order, limit: 4) == ascending.reversed(), "\(key)")
            }
            var order = FleetOrder()
            order.key = .queueDepth
            order.isDescending = true
            let longest = try await fixture.store.page(FleetFilter(), order, after: nil, limit: 1)
            #expect(try longest.rows.first { $0.int(25) } == 19)
            #expect(longest.total == 23)
        }
    }

    @Test("Filters narrow down, the text is literal, and who is removed is shown on request alone")
    func filters() async throws {
        try await with { fixture in
            let percent = try await fixture.add("50% Off", role: "Sales_Person")
            let plain = try await fixture.add("50 is off", runtime: "hermes")
            let child = try await fixture.add("x", .paused, parent: percent)
            let gone = try await fixture.add("gone", .removed)
            #expect(try await Set(fixture.ids(FleetFilter())) == [percent, plain, child])
            #expect(try await fixture.ids(filter { $0.statuses = [.removed] }) == [gone])
            #expect(try await Set(fixture.ids(filter { $0.statuses = [.paused, .removed] })) == [child, gone])
            #expect(try await fixture.ids(filter { $0.text = "0% o" }) == [percent])
            #expect(try await fixture.ids(filter { $0.text = "s_p" }) == [percent])
            #expect(try await fixture.ids(filter { $0.text = "0_is" }).isEmpty)
            #expect(try await fixture.ids(filter { $0.text = String(plain.uuidString.prefix(8)) }) == [plain])
            #expect(try await fixture.ids(filter { $0.parent = percent }) == [child])
            #expect(try await fixture.ids(filter { $0.runtime = "hermes" }) == [plain])
        }
    }

    @Test("Each knows its place: who is above it, the root first, and how many are below")
    func places() async throws {
        try await with { fixture in
            let root = try await fixture.add("a")
            let middle = try await fixture.add("b", parent: root)
            let leaf = try await fixture.add("c", parent: middle)
            try await fixture.add("d", .removed, parent: middle)
            let page = try await fixture.store.page(FleetFilter(), FleetOrder(), after: nil, limit: 10)
            let rows = try page.rows.map { ($0.uuid(0), $0.uuids(28), $0.int(29)) }
            #expect(rows.map(\.0) == [root, middle, leaf])
            #expect(rows.map(\.1) == [[], [root], [root, middle]])
            #expect(rows.map(\.2) == [1, 1, 0])
        }
    }

    @Test("The age of the oldest waiting item is reported, whatever its priority, also when it was requeued")
    func oldest() async throws {
        try await with { fixture in
            let id = try await fixture.add("a")
            func age() async throws -> Int {
                let page = try await fixture.store.page(FleetFilter(), FleetOrder(), after: nil, limit: 10)
                return Int(try page.rows.first { $0.optionalDouble(30) ?? -60 } ?? -60) / 60
            }
            #expect(try await age() == -1)
            for (minutes, priority, requeued) in [
                (5, 100, "NULL"), (3, 50, "NULL"), (20, 50, "NULL"), (15, 10, "NULL"), (30, 10, "NULL"),
                (40, 50, "now()"), (50, 100, "now() - interval '1 min'"),
            ] {
                try await fixture.sql(
                    """
                    INSERT INTO a2a_queue (workspace_id, body, enqueued_at, priority, requeued_at)
                    VALUES ('\(id)', '{}', now() - interval '\(minutes) min', \(priority), \(requeued))
                    """)
                let all = "SELECT (extract(epoch FROM now() - min(enqueued_at)) / 60)::int FROM a2a_queue"
                #expect(try await age() == fixture.pool.query(Statement("", all)).only { $0.int(0) })
            }
            #expect(try await age() == 50)
        }
    }

    @Test("The order that is usual is read from its index")
    func plan() async throws {
        try await with { fixture in
            let calls = [
                "SET LOCAL plan_cache_mode = force_custom_plan", "SET LOCAL enable_seqscan = off",
                "PREPARE explained AS \(FleetStore.statement(FleetOrder()).sql)",
                "EXPLAIN EXECUTE explained (NULL, NULL, NULL, NULL, 'w1', '\(UUID())', 101)", "DEALLOCATE explained",
            ].map { Call(Statement("", $0)) }
            let results = try await fixture.pool.transaction { session in try await session.query(calls) }
            let plan = try results[3].map { $0.string(0) }.joined(separator: "\n")
            #expect(plan.contains("workspaces_name"), "\(plan)")
            #expect(plan.contains("Index Cond: (ROW(lower(name), id) > ROW('w1'"), "\(plan)")
        }
    }

    @Test("What a filter means for an action leaves out what the action is done with")
    func selections() async throws {
        try await with { fixture in
            let root = try await fixture.add("a")
            let child = try await fixture.add("b", .paused, parent: root)
            let wanted = filter { $0.runtime = "langgraph" }
            let pause = try await fixture.store.selection(wanted, for: .pause)
            #expect((pause.matched, pause.subjects.map(\.id)) == (1, [root]))
            #expect(pause.subjects.first?.children == [child])
            let resume = try await fixture.store.selection(wanted, for: .resume)
            #expect(resume.subjects.map(\.id) == [child])
            #expect(resume.subjects.first?.depth == 1)
            #expect(resume.subjects.first?.parent == root)
            let named = try await fixture.store.selection([child, UUID()], for: .pause)
            #expect((named.matched, named.subjects.map(\.id)) == (1, [child]))
            let both = try await fixture.store.selection([child, root], for: .restart)
            #expect(both.subjects.map(\.id) == [root, child])
            #expect(
                try await fixture.store.selection([root, child], for: .delete).subjects.map(\.id) == [child, root])
            try await fixture.sql(
                """
                INSERT INTO workspaces (id, name, status) SELECT gen_random_uuid(), 'many', 'online'
                FROM generate_series(1, 1100)
                """)
            let many = try await fixture.store.selection(filter { $0.text = "many" }, for: .delete)
            #expect((many.matched, many.subjects.count) == (1100, Limits.bulkWorkspaces))
        }
    }

    @Test("Whatever becomes of those that a filter means, requests that go on from the cursor come to each once")
    func progress() async throws {
        try await with { fixture in
            // All of one moment, in two levels, and none leaves the filter by the action.
            try await fixture.sql(
                """
                INSERT INTO workspaces (id, name, status) SELECT gen_random_uuid(), 'many', 'online'
                FROM generate_series(1, 700)
                """)
            try await fixture.sql(
                """
                INSERT INTO workspaces (id, name, status, parent_id)
                SELECT gen_random_uuid(), 'many', 'online', id FROM workspaces WHERE name = 'many'
                """)
            let wanted = filter { $0.text = "many" }
            for action in [BulkAction.restart, .delete] {
                var (depths, seen, cursor) = ([Int](), Set<UUID>(), BulkCursor?.none)
                // As if time had been up after 300 of them.
                for left in [1400, 1100, 800, 500, 200] {
                    let selection = try await fixture.store.selection(wanted, for: action, after: cursor)
                    #expect(selection.matched == left)
                    let done = selection.subjects.prefix(300)
                    (depths, seen) = (depths + done.map(\.depth), seen.union(done.map(\.id)))
                    // As a client hands it back.
                    let text = try #require(done.last.map { BulkCursor(action, after: $0).text })
                    cursor = BulkCursor(text, for: action)
                    #expect(cursor?.text == text && BulkCursor(text, for: .hibernate) == nil)
                }
                #expect(seen.count == 1400)
                #expect(depths == (action == .delete ? depths.sorted(by: >) : depths.sorted()))
                #expect(try await fixture.store.selection(wanted, for: action, after: cursor).subjects.isEmpty)
            }
        }
    }

    @Test("A cursor of another order, or that no page gave, is none")
    func cursors() {
        var order = FleetOrder()
        let cursor = FleetCursor(order: order, value: "a:b", id: UUID())
        #expect(FleetCursor(cursor.text, order) == cursor)
        order.isDescending = true
        #expect(FleetCursor(cursor.text, order) == nil)
        order.key = .activeTasks
        #expect(FleetCursor(FleetCursor(order: order, value: "x", id: UUID()).text, order) == nil)
        order.key = .lastHeartbeat
        for (value, isOne) in [
            ("-infinity", true), ("2026-01-02 03:04:05.123456+00", true), ("2026-13-02 03:04:05+00", false),
            ("now", false),
        ] {
            #expect((FleetCursor(FleetCursor(order: order, value: value, id: UUID()).text, order) != nil) == isOne)
        }
        #expect(FleetCursor("x", order) == nil)
    }
}
