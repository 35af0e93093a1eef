import Concurrency
import Foundation
import Postgres
import Synchronization
import Testing
import TestSupport

@Suite("Transactions that conflict are made again") struct ConflictTests {
    private static let write = Statement("write", "UPDATE t SET n = n + 1 WHERE id = $1")
    private static let read = Statement("read", "SELECT sum(n)::int FROM t")

    private func raise(_ state: String) -> Statement {
        Statement("raise_\(state)", "DO $$ BEGIN RAISE EXCEPTION 'raised' USING ERRCODE = '\(state)'; END $$")
    }

    @Test("Two that wait for each other both commit, once") func deadlock() async throws {
        try await withPool(.longDeadlines(connections: 1, exclusive: 4)) { (pool) async throws in
            try await pool.simple("CREATE TABLE t(id int PRIMARY KEY, n int); INSERT INTO t VALUES (1, 0), (2, 0)")
            let met = Meeting(of: 2)
            let tries = Tally()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for order in [[1, 2], [2, 1]] {
                    group.addTask {
                        try await pool.transaction { transaction in
                            tries.add()
                            _ = try await transaction.query(Self.write, [order[0]])
                            await met.arrive()
                            _ = try await transaction.query(Self.write, [order[1]])
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(tries.count == 3, "Postgres undid one of the two")
            #expect(try await pool.query(Self.read)[0].int(0) == 4)
        }
    }

    @Test(
        "A conflict that stays is thrown after five tries; anything else at once",
        arguments: [
            ("40P01", 5), ("40001", 5), ("23505", 1), ("55P03", 1),
        ])
    func bounded(_ state: String, _ expected: Int) async throws {
        try await withPool { (pool) async throws in
            let tries = Tally()
            let error = try await postgresError {
                try await pool.transaction {
                    tries.add()
                    _ = try await $0.query(raise(state))
                }
            }
            #expect(error.sqlState == state)
            #expect(tries.count == expected)
        }
    }

    @Test("An error of the caller's own is not repeated") func own() async throws {
        struct Refusal: Error {}
        try await withPool { (pool) async throws in
            let tries = Tally()
            await #expect(throws: Refusal.self) {
                try await pool.transaction { _ in
                    tries.add()
                    throw Refusal()
                }
            }
            #expect(tries.count == 1)
        }
    }

    /// A statement that conflicts until its third try, as the sequence counts: what it counts is not undone with it.
    @Test("A statement without a transaction is made again, too") func statement() async throws {
        try await withPool { (pool) async throws in
            try await pool.simple(
                """
                CREATE SEQUENCE tries;
                CREATE FUNCTION meet() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
                    IF nextval('tries') < 3 THEN RAISE EXCEPTION 'raised' USING ERRCODE = '40P01'; END IF;
                    RETURN 7;
                END $$
                """)
            #expect(try await pool.query(Statement("meet", "SELECT meet()"))[0].int(0) == 7)
            #expect(try await pool.query(Statement("last", "SELECT last_value FROM tries"))[0].int(0) == 3)
        }
    }
}

private final class Tally: Sendable {
    private let number = Mutex(0)
    var count: Int { number.withLock { $0 } }
    func add() { number.withLock { $0 += 1 } }
}

/// A barrier: holds its callers until all are there.
private final class Meeting: Sendable {
    private let gate = Gate()
    private let missing: Mutex<Int>

    init(of count: Int) { missing = Mutex(count) }

    func arrive() async {
        let isLast = missing.withLock { missing in
            missing -= 1
            return missing == 0
        }
        if isLast { gate.open() }
        await gate.wait()
    }
}
