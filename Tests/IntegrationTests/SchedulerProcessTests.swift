import Foundation
import Testing
import TestSupport

/// What any number of schedulers do together, as processes: one test at a time.
@Suite("Scheduler processes", .serialized)
struct SchedulerProcessTests {
    /// A database with a workspace, and the processes that fire its schedules.
    private struct Stage {
        let postgres: PostgresServer
        let database: String
        let environment: [String: String]
        let workspace = UUID().uuidString.lowercased()

        init() async throws {
            postgres = try await SharedServers.postgres()
            let url = try await postgres.makeMigratedDatabase("schedulers")
            database = String(url.split(separator: "/").last ?? "")
            environment = [
                "DATABASE_URL": url, "AMQP_URL": try await SharedServers.rabbit().url,
                "REDIS_URL": try await SharedServers.redis().url, "MOLECULE_ENV": "development", "EVENT_LOOPS": "2",
            ]
            try await sql(
                """
                WITH made AS (
                    INSERT INTO workspaces (id, name, status, url)
                    VALUES ('\(workspace)', 'w', 'online', 'http://agent.example') RETURNING id)
                INSERT INTO workspace_vitals (workspace_id, last_heartbeat_at) SELECT id, now() FROM made
                """)
        }

        @discardableResult
        func sql(_ statement: String) async throws -> String {
            try await postgres.sql(statement, database: database).trimmingCharacters(in: .newlines)
        }

        func count(_ from: String) async throws -> Int { Int(try await sql("SELECT count(*) FROM \(from)")) ?? -1 }

        func start(_ more: [String: String] = [:]) async throws -> ServiceProcess {
            try await ServiceProcess.start("scheduler", environment: environment.merging(more) { $1 })
        }

        /// Schedules that are due once, at one time, from now on.
        ///
        /// - Returns: when.
        @discardableResult
        func add(_ count: Int, inSeconds seconds: Int) async throws -> String {
            let due = try await sql("SELECT now() + interval '\(seconds) seconds'")
            try await sql(
                """
                INSERT INTO workspace_schedules (workspace_id, cron_expr, prompt, next_run_at)
                SELECT '\(workspace)', '0 0 1 1 *', 'say hello', '\(due)'
                FROM generate_series(1, \(count))
                """)
            return due
        }
    }

    @Test(
        "Three schedulers whose clocks are hours apart fire 5 000 schedules of one second once each, and not too early")
    func clocks() async throws {
        let stage = try await Stage()
        var processes: [ServiceProcess] = []
        for hours in [-1, 0, 1] {
            processes.append(try await stage.start(try await WrongClock.environment(offBy: hours * 3600)))
        }
        let due = try await stage.add(5000, inSeconds: 4)
        try await eventually("all to have fired", detail: { processes.map(\.output).joined().suffix(2000).description })
        {
            try await stage.count("a2a_queue") >= 5000
        }
        // A second one would come with the next poll: let each have several.
        for process in processes {
            let ticks = try await stage.sql("SELECT max(last_tick_at) FROM subsystem_ticks WHERE name = 'scheduler'")
            try await eventually("another tick") {
                try await stage.count("subsystem_ticks WHERE name = 'scheduler' AND last_tick_at > '\(ticks)'") == 1
            }
            #expect(process.isRunning)
        }
        #expect(try await stage.count("a2a_queue") == 5000)
        #expect(try await stage.count("(SELECT DISTINCT schedule_id FROM a2a_queue) AS s") == 5000)
        #expect(try await stage.count("a2a_queue WHERE enqueued_at < '\(due)'") == 0)
        #expect(try await stage.count("structure_events WHERE type = 'schedule.fired'") == 5000)
        #expect(try await stage.count("workspace_schedules WHERE next_run_at <= now()") == 0)
        for process in processes { await process.kill9() }
    }

    @Test("Schedulers that are killed while they fire skip no slot and fire none twice")
    func kills() async throws {
        let (stage, schedules, rounds) = (try await Stage(), 3000, 20)
        var generator = SeededGenerator(seed: 20_260)
        var processes = [try await stage.start(), try await stage.start()]
        try await stage.add(schedules, inSeconds: 86_400)
        var hits = 0
        for round in 1...rounds {
            // All of them are due in a moment, once more; the runs of the round before have ended.
            try await stage.sql(
                """
                UPDATE a2a_queue SET status = 'completed', run_recorded = true, completed_at = now() WHERE status = 'queued';
                UPDATE workspace_schedules SET next_run_at = now() + interval '300 milliseconds'
                """)
            let before = schedules * (round - 1)
            try await eventually("some of round \(round) to fire") { try await stage.count("a2a_queue") > before }
            let victim = Int.random(in: 0..<2, using: &generator)
            try await Task.sleep(for: .milliseconds(Int.random(in: 0..<30, using: &generator)))
            await processes[victim].kill9()
            if try await stage.count("workspace_schedules WHERE next_run_at <= now()") > 0 { hits += 1 }
            processes[victim] = try await stage.start()
            try await eventually("all of round \(round) to fire") {
                try await stage.count("workspace_schedules WHERE next_run_at <= now()") == 0
            }
            #expect(try await stage.count("a2a_queue") == schedules * round, "round \(round)")
        }
        // The ledger: each slot of each schedule once.
        let ledger = "(SELECT schedule_id FROM a2a_queue GROUP BY schedule_id HAVING count(*) = \(rounds)) AS s"
        #expect(try await stage.count(ledger) == schedules)
        #expect(try await stage.count("structure_events WHERE type = 'schedule.fired'") == schedules * rounds)
        #expect(hits > 0, "no kill came while there was something to fire")
        for process in processes { await process.kill9() }
    }
}
