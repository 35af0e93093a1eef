import Foundation
import Postgres
import Testing
import TestSupport
import UVLoop

@Suite("A database that fails") struct FaultTests {
    private static let insert = Statement("insert", "INSERT INTO ledger VALUES ($1)")

    @Test("Killed under load: everything acknowledged is there, and the pool recovers by itself")
    func killed() async throws {
        let server = try await PostgresServer.start()
        let acknowledged = Ledger()
        let notApplied = Ledger()
        try await withPool(PostgresConfiguration(), url: server.url) { (pool) async throws in
            try await server.sql("CREATE TABLE ledger(n int PRIMARY KEY)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<20 {
                    group.addTask(executorPreference: loops.loops[writer % 2]) {
                        var number = writer
                        while !Task.isCancelled {
                            do {
                                _ = try await pool.query(Self.insert, [number])
                                acknowledged.add(number)
                            } catch let error as PostgresError {
                                #expect(error.kind == .unavailable || error.kind == .deadline, "\(error)")
                                if error.outcome == .notApplied { notApplied.add(number) }
                            }
                            number += 20
                        }
                    }
                }
                for _ in 0..<3 {
                    let before = acknowledged.count
                    try await eventually(within: .seconds(30), "more inserts") { acknowledged.count > before + 500 }
                    await server.kill()
                    #expect(acknowledged.count > before)
                    try await server.start()
                }
                let before = acknowledged.count
                try await eventually(within: .seconds(30), "recovery") { acknowledged.count > before + 100 }
                group.cancelAll()
            }
            let rows = try await server.sql("SELECT n FROM ledger")
            let stored = Set(rows.split(separator: "\n").compactMap { Int($0) })
            #expect(acknowledged.all.subtracting(stored).isEmpty)
            #expect(notApplied.all.isDisjoint(with: stored))
            #expect(pool.isReady)
        }
        await server.stop()
    }

    @Test("Killed while rows are copied in: each copy is there whole or not at all, and copying goes on")
    func killedWhileCopying() async throws {
        let server = try await PostgresServer.start()
        let copied = Ledger()
        try await withPool(PostgresConfiguration(), url: server.url) { (pool) async throws in
            try await server.sql("CREATE TABLE copied(batch int, n int, text text)")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for writer in 0..<8 {
                    group.addTask(executorPreference: loops.loops[writer % 2]) {
                        var batch = writer
                        while !Task.isCancelled {
                            let text = String(repeating: "x", count: 1000)
                            let rows = (0..<100).map { Array("\(batch)\t\($0)\t\(text)\n".utf8) }
                            do {
                                _ = try await pool.copyIn("COPY copied FROM STDIN", rows)
                                copied.add(batch)
                            } catch let error as PostgresError {
                                #expect(error.kind == .unavailable || error.kind == .deadline, "\(error)")
                            }
                            batch += 8
                        }
                    }
                }
                for _ in 0..<5 {
                    let before = copied.count
                    try await eventually(within: .seconds(30), "more copies") { copied.count > before + 40 }
                    await server.kill()
                    try await server.start()
                }
                let before = copied.count
                try await eventually(within: .seconds(30), "recovery") { copied.count > before + 20 }
                group.cancelAll()
            }
            let rows = try await server.sql("SELECT batch FROM copied GROUP BY batch HAVING count(*) <> 100")
            #expect(rows.isEmpty)
            let stored = try await server.sql("SELECT DISTINCT batch FROM copied")
            #expect(copied.all.subtracting(stored.split(separator: "\n").compactMap { Int($0) }).isEmpty)
        }
        await server.stop()
    }

    @Test("Stopped: calls fail as unavailable in about a second; restarted: they work") func stopped() async throws {
        let server = try await PostgresServer.start()
        try await withPool(PostgresConfiguration(), url: server.url) { (pool) async throws in
            let one = Statement("one", "SELECT 1")
            try await eventually(within: .seconds(30), "an answer") { (try? await pool.query(one)) != nil }
            await server.stop()
            try await eventually("the pool to notice") { !pool.isReady }
            let start = ContinuousClock.now
            let error = try await postgresError { _ = try await pool.query(one) }
            #expect(error.kind == .unavailable)
            #expect(error.outcome == .notApplied)
            #expect(error.isRetryable)
            let failed = try await postgresError { try await pool.transaction { _ = try await $0.query(one) } }
            #expect(failed.kind == .unavailable)
            #expect(ContinuousClock.now - start < .seconds(15))
            try await server.start()
            try await eventually(within: .seconds(30), "an answer") { (try? await pool.query(one)) != nil }
            try await eventually(within: .seconds(30), "a transaction") {
                (try? await pool.transaction { try await $0.query(one)[0].int(0) }) == 1
            }
        }
        await server.stop()
    }

    @Test("A server that stands still: calls end at their deadline, and work again once it moves") func paused()
        async throws
    {
        let server = try await PostgresServer.start()
        var configuration = PostgresConfiguration()
        configuration.cancelGrace = .milliseconds(300)
        configuration.connectTimeout = .seconds(3)
        try await withPool(configuration, url: server.url) { (pool) async throws in
            let one = Statement("one", "SELECT 1")
            // On one loop, whose connections are known to be open then.
            let error = try await Task(executorPreference: loops.loops[0]) {
                try await eventually(within: .seconds(30), "an answer") { (try? await pool.query(one)) != nil }
                server.pause()
                return try await postgresError { _ = try await pool.query(one, deadline: .milliseconds(300)) }
            }.value
            #expect(error.kind == .deadline)
            server.resume()
            try await eventually("answers") {
                (try? await pool.query(one, deadline: .seconds(1))) != nil
            }
        }
        await server.stop()
    }

    @Test("Sessions ended by the administrator are replaced") func terminated() async throws {
        try await withPool { (pool) async throws in
            let terminate = """
                SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                """
            for _ in 0..<5 {
                _ = try? await pool.query(Statement("terminate", terminate))
                try await eventually("answers") { (try? await pool.query(Statement("one", "SELECT 1"))) != nil }
            }
            #expect(try await pool.transaction { try await $0.query(Statement("one", "SELECT 1"))[0].int(0) } == 1)
        }
    }

    @Test(
        "No server at all, a bad address and a bad URL end as unavailable",
        arguments: [
            "postgres://nobody@127.0.0.1:1/none", "postgres://nobody@no-such-host.invalid/none", "postgres://%zz",
        ])
    func nowhere(url: String) async throws {
        var configuration = PostgresConfiguration()
        configuration.unavailableAfter = .milliseconds(200)
        try await withPool(configuration, url: url) { (pool) async throws in
            let error = try await postgresError { _ = try await pool.query(Statement("one", "SELECT 1")) }
            #expect(error.kind == .unavailable)
            #expect(!pool.isReady)
        }
    }

    @Test("With several hosts the one that takes writes is found") func failover() async throws {
        let server = try await SharedServers.postgres()
        let dead = try Ports.free()
        let url =
            "postgres://switchyard@127.0.0.1:\(dead),localhost:\(server.port)/postgres?target_session_attrs=read-write"
        try await withPool(url: url) { (pool) async throws in
            #expect(try await pool.query(Statement("one", "SELECT 1"))[0].int(0) == 1)
        }
    }

    @Test("After closing, calls are refused") func closed() async throws {
        let url = try await SharedServers.postgres().url
        let pool = PostgresPool(url: url, group: loops, configuration: .longDeadlines)
        _ = try await pool.query(Statement("one", "SELECT 1"))
        await pool.close()
        let error = try await postgresError { _ = try await pool.query(Statement("one", "SELECT 1")) }
        #expect(error.kind == .closed)
        let refused = try await postgresError {
            try await pool.transaction { _ = try await $0.query(Statement("one", "SELECT 1")) }
        }
        #expect(refused.kind == .closed)
    }

    @Test("Pools that are dropped in any state end on their loops") func dropped() async throws {
        let url = try await SharedServers.postgres().url
        for round in 0..<100 {
            var configuration = PostgresConfiguration.longDeadlines
            configuration.applicationName = "dropped"
            var pool: PostgresPool? = PostgresPool(url: url, group: loops, configuration: configuration)
            if round % 2 == 0 { _ = try await pool?.query(Statement("one", "SELECT 1")) }
            pool = nil
        }
        try await withPool(url: url) { (pool) async throws in
            let sessions = Statement(
                "sessions", "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dropped'")
            try await eventually("the sessions to end") { try await pool.query(sessions)[0].int(0) == 0 }
        }
    }

    @Test("In flight when the server dies: unknown for a call, without effect inside a transaction")
    func outcomes() async throws {
        let server = try await PostgresServer.start()
        try await withPool(url: server.url) { (pool) async throws in
            let nap = Statement("nap", "SELECT pg_sleep(60)")
            async let alone = postgresError { _ = try await pool.query(nap, deadline: .seconds(50)) }
            async let inside = postgresError {
                try await pool.transaction(deadline: .seconds(50)) { _ = try await $0.query(nap) }
            }
            try await eventually(within: .seconds(30), "both to run") {
                try await server.sql(
                    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%sleep(60)' AND state = 'active'") == "2"
            }
            await server.kill()
            #expect(try await alone.outcome == .unknown)
            #expect(try await inside.outcome == .notApplied)
        }
    }
}
