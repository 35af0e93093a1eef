import Foundation
import Postgres
import Testing
import TestSupport
import UVLoop

@Suite("Transactions") struct TransactionTests {
    private static let insert = Statement("insert", "INSERT INTO t VALUES ($1)")
    private static let count = Statement("count", "SELECT count(*) FROM t")

    private struct Refusal: Error {}

    @Test("Commit on return, roll back on throw") func ends() async throws {
        try await withPool { (pool) async throws in
            try await pool.simple("CREATE TABLE t(a int UNIQUE)")
            let seen = try await pool.transaction { transaction in
                _ = try await transaction.query(Self.insert, [1])
                return try await transaction.query(Self.count)[0].int(0)
            }
            #expect(seen == 1)
            await #expect(throws: Refusal.self) {
                try await pool.transaction { transaction in
                    _ = try await transaction.query(Self.insert, [2])
                    throw Refusal()
                }
            }
            #expect(try await pool.query(Self.count)[0].int(0) == 1)
        }
    }

    @Test("A failed statement whose error is swallowed does not pass for a commit") func swallowed() async throws {
        try await withPool { (pool) async throws in
            try await pool.simple("CREATE TABLE t(a int UNIQUE)")
            let error = try await postgresError {
                try await pool.transaction { transaction in
                    _ = try await transaction.query(Self.insert, [1])
                    _ = try? await transaction.query(Self.insert, [1])
                }
            }
            #expect(error.sqlState == "25P02")
            #expect(try await pool.query(Self.count)[0].int(0) == 0)
        }
    }

    @Test("A conflict of transactions that comes each time is thrown in the end, marked as worth another try")
    func conflict() async throws {
        try await withPool { (pool) async throws in
            try await pool.simple("CREATE TABLE t(a int); INSERT INTO t VALUES (1)")
            let raise = Statement("raise", "UPDATE t SET a = a + 1")
            let error = try await postgresError {
                try await pool.transaction(isolation: .repeatableRead) { outer in
                    _ = try await outer.query(Self.count)
                    try await pool.transaction(isolation: .repeatableRead) { _ = try await $0.query(raise) }
                    _ = try await outer.query(raise)
                }
            }
            #expect(error.sqlState == "40001")
            #expect(error.isRetryable)
            #expect(try await pool.query(Statement("a", "SELECT a FROM t"))[0].int(0) == 6, "once a try")
        }
    }

    @Test("A transaction over its deadline is undone and its connection replaced") func deadline() async throws {
        try await withPool(.longDeadlines(connections: 1, exclusive: 1)) {
            (pool) async throws in
            try await pool.simple("CREATE TABLE t(a int)")
            // On one loop, whose connection is open by then: the deadline is for the statements.
            let error = try await Task(executorPreference: loops.loops[0]) {
                try await pool.transaction(deadline: .seconds(30)) { _ = try await $0.query(Self.count) }
                return try await postgresError {
                    try await pool.transaction(deadline: .milliseconds(300)) { transaction in
                        _ = try await transaction.query(Self.insert, [1])
                        _ = try await transaction.query(Statement("slow", "SELECT pg_sleep(60)"))
                    }
                }
            }.value
            #expect(error.kind == .deadline)
            #expect(error.outcome == .notApplied)
            #expect(try await pool.query(Self.count)[0].int(0) == 0)
            try await pool.transaction { _ = try await $0.query(Self.insert, [2]) }
            #expect(try await pool.query(Self.count)[0].int(0) == 1)
        }
    }

    @Test("More transactions than connections wait for each other") func queue() async throws {
        try await withPool(.longDeadlines(connections: 1)) {
            (pool) async throws in
            try await pool.simple("CREATE TABLE t(a int)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    group.addTask(executorPreference: loops.loops[number % 2]) {
                        try await pool.transaction(deadline: .seconds(30)) {
                            _ = try await $0.query(Self.insert, [number])
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await pool.query(Self.count)[0].int(0) == 200)
        }
    }

    @Test("Waiting for a connection ends at the deadline") func exhausted() async throws {
        try await withPool(.longDeadlines(connections: 1, exclusive: 1)) {
            (pool) async throws in
            try await Task(executorPreference: loops.loops[0]) {
                try await pool.transaction { outer in
                    _ = try await outer.query(Statement("one", "SELECT 1"))
                    let error = try await postgresError {
                        try await pool.transaction(deadline: .milliseconds(200)) { _ = try await $0.query(Self.count) }
                    }
                    #expect(error.kind == .deadline)
                    #expect(error.outcome == .notApplied)
                }
            }.value
        }
    }

    @Test("A session given back inside a transaction does not carry it on to the next user") func leftOpen()
        async throws
    {
        try await withPool(.longDeadlines(connections: 1, exclusive: 1)) { (pool) async throws in
            try await Task(executorPreference: loops.loops[0]) {
                try await pool.simple("CREATE TABLE t(a int)")
                try await pool.simple("BEGIN; INSERT INTO t VALUES (1)")
                try await pool.transaction { _ = try await $0.query(Self.insert, [2]) }
                #expect(try await pool.query(Self.count)[0].int(0) == 1)
            }.value
        }
    }
}
