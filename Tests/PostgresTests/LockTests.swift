import Concurrency
import Foundation
import Postgres
import Testing
import TestSupport
import UVLoop

/// One loop's connections, while a row is locked for long: by an operator's open transaction, for example.
@Suite("Locked rows") struct LockTests {
    private static let touch = Statement("touch", "UPDATE held SET n = n + 1 WHERE id = 1 RETURNING n")
    private static let updateRetrying = Statement(
        "update_retrying", locks: .requeue, "UPDATE held SET n = n + 1 WHERE id = 1 RETURNING n")
    private static let touchBriefly = Statement(
        "touch_briefly", locks: .fail, "UPDATE held SET n = n + 1 WHERE id = 1 RETURNING n")
    private static let lookUp = Statement("look_up", "SELECT n FROM held WHERE id = 2")

    /// Runs the body on one loop while the row with the id 1 is held, and gives it what lets the row go.
    private func withHeldRow(_ body: @escaping @Sendable (PostgresPool, Gate) async throws -> Void) async throws {
        let url = try await SharedServers.postgres().makeDatabase("held")
        try await withPool(url: url) { holder in
            try await holder.simple(
                "CREATE TABLE held (id int PRIMARY KEY, n int); INSERT INTO held VALUES (1, 0), (2, 7)")
            let (isHeld, mayGo) = (Gate(), Gate())
            async let holding: Void = holder.transaction { transaction in
                _ = try await transaction.query(Statement("hold", "SELECT FROM held WHERE id = 1 FOR UPDATE"))
                isHeld.open()
                await mayGo.wait()
            }
            await isHeld.wait()
            defer { mayGo.open() }
            try await withPool(url: url) { pool in
                let work = Task(executorPreference: loops.loops[0]) { try await body(pool, mayGo) }
                try await work.value
            }
            mayGo.open()
            try await holding
        }
    }

    @Test("A statement that is known to wait for locks holds up no other")
    func lane() async throws {
        try await withHeldRow { (pool, mayGo) async throws in
            async let touched = pool.query(Self.updateRetrying)
            for _ in 0..<20 { #expect(try await pool.query(Self.lookUp)[0].int(0) == 7) }
            mayGo.open()
            #expect(try await touched[0].int(0) == 1)
        }
    }

    @Test("A statement that has to wait unexpectedly lets others pass, and is done once the row is free")
    func letsOthersPass() async throws {
        try await withHeldRow { (pool, mayGo) async throws in
            let touched = Task { try await pool.query(Self.touch) }
            // Far more than one wait for the lock: each look-up may stand behind one.
            for _ in 0..<5 { #expect(try await pool.query(Self.lookUp)[0].int(0) == 7) }
            mayGo.open()
            #expect(try await touched.value[0].int(0) == 1)
        }
    }

    @Test("A fail-fast caller gets the error that the lock was not available")
    func brief() async throws {
        try await withHeldRow { (pool, _) async throws in
            let error = try await postgresError { _ = try await pool.query(Self.touchBriefly) }
            #expect(error.isLockTimeout && error.outcome == .notApplied)
        }
    }

    @Test("A wait for a lock ends at the call's deadline, and the connection serves others")
    func deadline() async throws {
        try await withHeldRow { (pool, _) async throws in
            let error = try await postgresError { _ = try await pool.query(Self.touch, deadline: .seconds(2)) }
            #expect(error.kind == .deadline)
            #expect(try await pool.query(Self.lookUp)[0].int(0) == 7)
        }
    }

    @Test("Transactions of one's own wait as long as they like")
    func transaction() async throws {
        try await withHeldRow { (pool, mayGo) async throws in
            async let touched = pool.transaction { try await $0.query(Self.touch)[0].int(0) }
            // Longer than a shared connection would wait.
            _ = try await postgresError { _ = try await pool.query(Self.touchBriefly) }
            _ = try await postgresError { _ = try await pool.query(Self.touchBriefly) }
            mayGo.open()
            #expect(try await touched == 1)
        }
    }
}
