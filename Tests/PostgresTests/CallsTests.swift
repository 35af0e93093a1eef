import Foundation
import Postgres
import Testing
import TestSupport
import UVLoop

@Suite("Calls on a pool") struct CallsTests {
    @Test("Thousands of calls are in flight at once on two loops, each with its own result")
    func pipelining() async throws {
        try await withPool { (pool) async throws in
            let echo = Statement("echo", "SELECT $1::int8")
            let wrong = await withTaskGroup(of: Int.self) { group in
                for number in 0..<5000 {
                    let loop = loops.loops[number % 2]
                    group.addTask(executorPreference: loop) {
                        let rows = try? await pool.query(echo, [number], deadline: .seconds(30))
                        return rows?[0].int(0) == number ? 0 : 1
                    }
                }
                return await group.reduce(0, +)
            }
            #expect(wrong == 0)
        }
    }

    @Test("A failing call says why, and leaves those before and after it alone") func errors() async throws {
        try await withPool(.longDeadlines(connections: 1)) { (pool) async throws in
            try await pool.simple("CREATE TABLE t(a int CONSTRAINT only_once UNIQUE)")
            let insert = Statement("insert", "INSERT INTO t VALUES ($1)")
            let loop = loops.loops[0]
            let outcomes = await withTaskGroup(of: PostgresError?.self) { group in
                for number in [1, 2, 2, 3, 1, 4] {
                    group.addTask(executorPreference: loop) {
                        do {
                            _ = try await pool.query(insert, [number])
                            return nil
                        } catch { return error as? PostgresError }
                    }
                }
                return await group.reduce(into: [PostgresError]()) { if let error = $1 { $0.append(error) } }
            }
            #expect(outcomes.count == 2)
            for error in outcomes {
                #expect(error.kind == .server)
                #expect(error.sqlState == "23505")
                #expect(error.isUniqueViolation(of: "only_once"))
                #expect(error.statement == "insert")
                #expect(error.outcome == .notApplied)
            }
            let rows = try await pool.query(Statement("all", "SELECT array_agg(a ORDER BY a)::text FROM t"))
            #expect(rows[0].string(0) == "{1,2,3,4}")
        }
    }

    @Test("A statement that cannot be prepared fails by itself, and works once it can") func prepareFails() async throws
    {
        try await withPool(.longDeadlines(connections: 1)) { (pool) async throws in
            let select = Statement("later", "SELECT a FROM later")
            for _ in 0..<2 {
                let error = try await postgresError { _ = try await pool.query(select) }
                #expect(error.sqlState == "42P01")
            }
            try await pool.simple("CREATE TABLE later(a int); INSERT INTO later VALUES (1)")
            #expect(try await pool.query(select)[0].int(0) == 1)
        }
    }

    @Test("Prepared statements survive a change of their table and DEALLOCATE") func stale() async throws {
        try await withPool(.longDeadlines(connections: 1)) { (pool) async throws in
            let loop = loops.loops[0]
            try await Task(executorPreference: loop) {
                try await pool.simple("CREATE TABLE t(a int); INSERT INTO t VALUES (1)")
                let select = Statement("select", "SELECT * FROM t")
                #expect(try await pool.query(select)[0].int(0) == 1)
                try await pool.simple("ALTER TABLE t ADD COLUMN b text DEFAULT 'x'")
                #expect(try await pool.query(select)[0].string(1) == "x")
                _ = try await pool.query(Statement("deallocate", "DEALLOCATE ALL"))
                #expect(try await pool.query(select)[0].string(1) == "x")
            }.value
        }
    }

    @Test("Several statements take effect together or not at all") func atomically() async throws {
        try await withPool { (pool) async throws in
            try await pool.simple("CREATE TABLE t(a int UNIQUE)")
            let insert = Statement("insert", "INSERT INTO t VALUES ($1) RETURNING a")
            let rows = try await pool.atomically([Call(insert, [1]), Call(insert, [2])])
            #expect(rows.map { $0[0].int(0) } == [1, 2])
            let error = try await postgresError {
                _ = try await pool.atomically([Call(insert, [3]), Call(insert, [1]), Call(insert, [4])])
            }
            #expect(error.sqlState == "23505")
            #expect(try await pool.query(Statement("count", "SELECT count(*) FROM t"))[0].int(0) == 2)
        }
    }

    @Test("A call over its deadline fails, is cancelled, and the next one on its connection succeeds")
    func deadline() async throws {
        try await withPool(.longDeadlines(connections: 1)) { (pool) async throws in
            try await Task(executorPreference: loops.loops[0]) {
                _ = try await pool.query(Statement("one", "SELECT 1"))
                let clock = ContinuousClock()
                let start = clock.now
                async let slow = postgresError {
                    _ = try await pool.query(Statement("slow", "SELECT pg_sleep(60)"), deadline: .milliseconds(200))
                }
                async let behind = pool.query(Statement("one", "SELECT 1"), deadline: .seconds(50))
                let error = try await slow
                #expect(error.kind == .deadline)
                #expect(error.outcome == .unknown)
                #expect(clock.now - start < .seconds(20))
                #expect(try await behind[0].int(0) == 1)
                #expect(clock.now - start < .seconds(50))
            }.value
            let running =
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND state = 'active' AND pid <> pg_backend_pid()"
            try await eventually("the sleep to be cancelled") {
                try await pool.query(Statement("running", running))[0].int(0) == 0
            }
        }
    }

    @Test("Copied rows keep every character, and a bad one undoes all") func copy() async throws {
        try await withPool { (pool) async throws in
            try await pool.simple("CREATE TABLE t(n bigint PRIMARY KEY, a text, b json, i uuid, t timestamptz)")
            let (id, time) = (UUID(), Date(timeIntervalSince1970: 1_700_000_000.25))
            var rows = BinaryRows()
            for number in 0..<5000 {
                let text = TypesTests.texts[number % TypesTests.texts.count]
                rows.beginRow(columns: 5)
                rows.append(number)
                rows.append(number % 7 == 0 ? nil : text)
                rows.append(utf8: #"{"a\\":"\#(number)"}"#.utf8)
                rows.append(id)
                rows.append(time)
            }
            #expect(try await pool.copyIn("COPY t FROM STDIN (FORMAT binary)", rows.finish()) == 5000)
            let back = try await pool.query(Statement("back", "SELECT a, b, i, t FROM t ORDER BY n"))
            for (number, row) in back.all.enumerated() {
                #expect(
                    row.optionalString(0) == (number % 7 == 0 ? nil : TypesTests.texts[number % TypesTests.texts.count])
                )
                #expect(row.string(1) == #"{"a\\":"\#(number)"}"#)
                #expect(row.uuid(2) == id && row.date(3) == time)
            }
            let error = try await postgresError {
                _ = try await pool.copyIn(
                    "COPY t FROM STDIN", [Array("9999\tx\t{}\t\\N\t\\N\n1\tx\t{}\t\\N\t\\N\n".utf8)])
            }
            #expect(error.sqlState == "23505")
            #expect(try await pool.query(Statement("count", "SELECT count(*) FROM t"))[0].int(0) == 5000)
        }
    }

    @Test("Memory does not grow with the number of calls") func memory() async throws {
        try await withPool { (pool) async throws in
            let statement = Statement("payload", "SELECT repeat('x', 10000), $1::text")
            func round() async throws {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for loop in loops.loops {
                        for _ in 0..<16 {
                            group.addTask(executorPreference: loop) {
                                for _ in 0..<60 {
                                    _ = try await pool.query(statement, [String(repeating: "y", count: 1000)])
                                    _ = try? await pool.query(Statement("bad", "SELECT 1/$1::int"), [0])
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
            }
            try await round()
            let before = residentBytes()
            for _ in 0..<10 { try await round() }
            let grown = residentBytes() - before
            #expect(grown < 20_000_000, "grew by \(grown) bytes")
        }
    }
}
