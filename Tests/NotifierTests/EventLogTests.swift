import Contracts
import Foundation
import Postgres
import Testing
import TestSupport

@testable import Notifier

@Suite("The log of durable events")
struct EventLogTests {
    private static let add = Statement(
        "test_add",
        """
        INSERT INTO structure_events (transaction_id, type, workspace_id, source, data)
        SELECT t::text::xid8, 'workspace.online', $3, 'test', json_build_object('t', t) FROM generate_series($1::int, $2::int) AS t
        """)

    @Test("is read in the order of transactions, whatever number of digits their ids have")
    func order() async throws {
        try await withMigratedPool("notifier") { pool in
            let (one, other) = (UUID(), UUID())
            // As if nothing had been written yet: ids around a power of ten, below those of the migrations.
            _ = try await pool.query(Self.add, [95, 104, one])
            _ = try await pool.query(Self.add, [98, 101, other])
            let log = EventLog(postgres: pool)
            let all = try await log.read(after: .start).entries.map(\.position.transaction)
            #expect(all == [95, 96, 97, 98, 98, 99, 99, 100, 100, 101, 101, 102, 103, 104])
            let resumed = try await log.read(after: LogPosition(transaction: 99, sequence: .max), workspace: other)
            #expect(resumed.entries.map(\.position.transaction) == [100, 101])
        }
    }

    @Test("is resumed from nowhere before a gap, though an event that waits to be published is left there")
    func floor() async throws {
        try await withMigratedPool("notifier") { pool in
            _ = try await pool.query(Self.add, [10, 15, UUID()])
            let log = EventLog(postgres: pool)
            let first = try #require(try await log.bounds().oldest)
            // Of six events the second was left, the third was pruned, and the first.
            _ = try await pool.query(
                Statement("test_prune", "DELETE FROM structure_events WHERE sequence IN ($1, $2)"),
                [Int(first), Int(first) + 2])
            _ = try await pool.query(
                Statement("test_floor", "UPDATE event_log_floor SET transaction_id = '12', sequence = $1"),
                [Int(first) + 2])
            #expect(try await log.position(ofSequence: first + 1) == nil)
            #expect(try await log.position(ofSequence: first + 2) == nil)
            #expect(try await log.position(ofSequence: first + 3) == LogPosition(transaction: 13, sequence: first + 3))
            #expect(try await log.bounds().oldest == first + 3)
            #expect(try await !log.isComplete(after: LogPosition(transaction: 11, sequence: first + 1)))
            #expect(try await log.isComplete(after: LogPosition(transaction: 13, sequence: first + 3)))
            #expect(try await log.read(after: .start).entries.count == 4)
        }
    }

    @Test("is left out from where a transaction is open, and complete once it has ended")
    func openTransaction() async throws {
        try await withMigratedPool("notifier") { pool in
            let (id, log) = (UUID(), EventLog(postgres: pool))
            let start = try await log.end()
            let add = Statement(
                "test_add_now",
                "INSERT INTO structure_events (type, workspace_id, source, data) VALUES ('workspace.online', $1, 't', '{}')"
            )
            let seen = try await pool.transaction { open throws(PostgresError) in
                _ = try await open.query(add, [id])
                _ = try await pool.query(add, [id])
                return try await log.read(after: start)
            }
            #expect(seen.entries.isEmpty && seen.isLast && seen.end == nil)
            // Transactions of other databases on the server hold it back, too.
            try await eventually("both") { try await log.read(after: start).entries.count == 2 }
        }
    }

    @Test("a page of one workspace's events, and its newest, come from an index, however long the log")
    func indexed() async throws {
        try await withMigratedPool("notifier") { pool in
            let (one, other) = (UUID(), UUID())
            _ = try await pool.query(Self.add, [1, 20_000, other])
            _ = try await pool.query(Self.add, [300, 309, one])
            // It is for services alone.
            _ = try await pool.query(
                Statement(
                    "test_hidden",
                    "INSERT INTO structure_events (type, workspace_id, source) VALUES ('token.revoked', $1, 'test')"),
                [one])
            _ = try await pool.query(Statement("test_analyze", "ANALYZE structure_events"))
            let log = EventLog(postgres: pool)
            #expect(try await log.newest(workspace: one).count == 10)
            let newest = try await log.newest(workspace: nil).map { $0.string(1) }
            #expect(newest.count == 100 && Set(newest) == ["workspace.online"])
            #expect(try await log.read(after: .start, workspace: one).entries.count == 11)
            for statement in [EventLog.readOne, EventLog.newestOne] {
                let plan = try await explain(statement, on: pool)
                #expect(plan.contains("structure_events_workspace_log"), "\(plan)")
                #expect(!plan.contains("Sort"), "\(plan)")
            }
            let plan = try await explain(EventLog.readAll, on: pool)
            #expect(plan.contains("structure_events_log") && !plan.contains("Sort"), "\(plan)")
        }
    }

    @Test("that another server wrote is put before all that this one writes, in order, and can be resumed from")
    func restored() async throws {
        try await withMigratedPool("notifier") { pool in
            let (id, log) = (UUID(), EventLog(postgres: pool))
            #expect(try await !log.repairRestored())
            // Far ahead of this server, more than one batch of them, and some that are not.
            _ = try await pool.query(Self.add, [10, 12, id])
            _ = try await pool.query(Self.add, [1_900_000_000, 1_900_004_999, id])
            let first = try #require(try await log.bounds().oldest)
            _ = try await pool.query(
                Statement("test_floor", "UPDATE event_log_floor SET transaction_id = '1900000005', sequence = $1"),
                [Int(first)])
            #expect(try await log.read(after: .start).entries.count == 3)
            #expect(try await log.repairRestored())
            #expect(try await !log.repairRestored())
            _ = try await pool.query(Self.addHeavy, [id, 10, 1])
            var (position, sequences) = (LogPosition.start, [Int64]())
            try await eventually("all of it") {
                let page = try await log.read(after: position)
                sequences += page.entries.map(\.position.sequence)
                position = page.end ?? position
                return sequences.count == 5004
            }
            #expect(sequences == Array(first..<first + 5004))
            #expect(try await log.position(ofSequence: first) == nil, "it is not behind the floor")
            let middle = try #require(try await log.position(ofSequence: first + 4000))
            #expect(try await log.read(after: middle).entries.first?.position.sequence == first + 4001)
        }
    }

    private static let addHeavy = Statement(
        "test_add_heavy",
        """
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'agent_card.updated', $1, 'test', json_build_object('n', n, 'x', repeat('x', $2::int))
        FROM generate_series(1, $3::int) AS n
        """)

    @Test("comes in pages that are bounded by bytes, however well they compress, and each goes on where the last ended")
    func heavy() async throws {
        try await withMigratedPool("notifier") { pool in
            let (id, log) = (UUID(), EventLog(postgres: pool))
            _ = try await pool.query(Self.addHeavy, [id, 300_000, 40], deadline: .seconds(60))
            for workspace in [nil, id] {
                var (position, seen, pages) = (LogPosition.start, 0, 0)
                // Transactions of other databases on the server hold it back, too.
                try await eventually("all of it") {
                    let page = try await log.read(after: position, workspace: workspace)
                    #expect(page.entries.count <= 4, "1 MiB, and what began before it")
                    seen += page.entries.count
                    pages += page.entries.isEmpty ? 0 : 1
                    position = page.end ?? position
                    if seen < 40, !page.entries.isEmpty { #expect(!page.isLast) }
                    return seen == 40
                }
                #expect(pages == 10)
                #expect(try await log.read(after: position, workspace: workspace).isLast)
            }
            #expect(try await log.newest(workspace: nil).count == 28, "8 MiB")
            #expect(try await log.newest(workspace: id).count == 28)
        }
    }

    private static let addIncompressible = Statement(
        "test_add_incompressible",
        """
        INSERT INTO structure_events (type, workspace_id, source, data)
        SELECT 'agent_card.updated', $1, 'test', json_build_object('n', n, 'x', (
            SELECT string_agg(md5(n || '.' || i), '') FROM generate_series(1, 21) AS i))
        FROM generate_series(1, $2::int) AS n
        """)

    @Test("a page that its size has cut short has more behind it, although its data is less than what is stored of it")
    func cutBySize() async throws {
        try await withMigratedPool("notifier") { pool in
            let (id, log) = (UUID(), EventLog(postgres: pool))
            _ = try await pool.query(Self.addIncompressible, [id, 1000], deadline: .seconds(60))
            // Transactions of other databases on the server hold it back, too.
            try await eventually("all of it") { try await log.bounds().last.sequence == 1000 }
            for workspace in [nil, id] {
                var (position, seen, isLast): (LogPosition, [Int64], [Bool]) = (.start, [], [])
                repeat {
                    let page = try await log.read(
                        after: position, workspace: workspace, bytes: StreamReplay.pageBytes)
                    #expect(page.entries.count < EventLog.page)
                    seen += page.entries.map(\.position.sequence)
                    isLast.append(page.isLast)
                    position = page.end ?? position
                } while isLast.last == false && isLast.count < 10
                #expect(seen == Array(Int64(1)...1000))
                #expect(isLast == [false, false, true])
            }
        }
    }

    @Test("knows an event's place by its sequence, its own ends, and how long what cannot be read yet has been there")
    func places() async throws {
        try await withMigratedPool("notifier") { pool in
            let log = EventLog(postgres: pool)
            let none = try await log.bounds()
            #expect(none.oldest == nil && none.last == .start)
            #expect(try await log.age(after: .start) == .zero)
            _ = try await pool.query(Self.add, [95, 104, UUID()])
            let bounds = try await log.bounds()
            #expect(bounds.oldest == 1 && bounds.last == LogPosition(transaction: 104, sequence: 10))
            #expect(try await log.position(ofSequence: 3) == LogPosition(transaction: 97, sequence: 3))
            _ = try await pool.query(Statement("test_purge", "DELETE FROM structure_events WHERE sequence IN (1, 3)"))
            #expect(try await log.position(ofSequence: 3) == nil)
            #expect(try await log.position(ofSequence: 11) == nil)
            #expect(try await log.bounds().oldest == 2)
            #expect(try await log.age(after: bounds.last) == .zero)
            #expect(try await log.age(after: LogPosition(transaction: 104, sequence: 9)) > .zero)
        }
    }

    /// The plan that a connection keeps for a statement, whatever its parameters are.
    private func explain(_ statement: Statement, on pool: PostgresPool) async throws -> String {
        let parameters = statement.sql.matches(of: /\$\d/).compactMap { $0.output.last?.wholeNumberValue }
        let arguments = Array(repeating: "NULL", count: parameters.max() ?? 0).joined(separator: ", ")
        let calls = [
            "SET LOCAL plan_cache_mode = force_generic_plan", "SET LOCAL enable_seqscan = off",
            "PREPARE explained AS \(statement.sql)", "EXPLAIN EXECUTE explained (\(arguments))", "DEALLOCATE explained",
        ].map { Call(Statement("", $0)) }
        let results = try await pool.transaction { session throws(PostgresError) in try await session.query(calls) }
        return try results[3].map { $0.string(0) }.joined(separator: "\n")
    }
}
