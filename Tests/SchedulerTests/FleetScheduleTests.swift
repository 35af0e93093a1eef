import Contracts
import Foundation
import HTTPCore
import Postgres
import Scheduler
import ServiceHost
import Testing
import TestSupport
import UVHTTPServer

@Suite("The schedules of the fleet") struct FleetScheduleTests {
    private func filter(_ change: (inout FleetScheduleFilter) -> Void) -> FleetScheduleFilter {
        var filter = FleetScheduleFilter()
        change(&filter)
        return filter
    }

    /// A schedule in every state that the rule distinguishes.
    private func fill(_ fixture: ScheduleFixture, _ workspace: UUID) async throws {
        var number = 0
        for enabled in ["true", "false"] {
            for next in ["NULL", "now() - interval '30 s'", "now() - interval '61 s'", "now() + interval '1 hour'"] {
                for status in ["NULL", "'ok'", "'error'", "'stale'", "'skipped'"] {
                    number += 1
                    try await fixture.sql(
                        """
                        INSERT INTO workspace_schedules (workspace_id, name, cron_expr, prompt, enabled, next_run_at,
                            last_status)
                        VALUES ('\(workspace)', 's\(number)', '0 9 * * *', 'x', \(enabled), \(next), \(status))
                        """)
                }
            }
        }
    }

    @Test("The condition is the one that the rule says, the gravest first, and pages go on where the last ended")
    func conditions() async throws {
        try await ScheduleFixture.with { fixture in
            try await fill(fixture, try await fixture.workspace())
            let store = FleetScheduleStore(postgres: fixture.postgres)
            for limit in [7, 100] {
                var (seen, cursor) = ([FleetSchedule](), FleetScheduleCursor?.none)
                repeat {
                    let page = try await store.page(FleetScheduleFilter(), after: cursor, limit: limit)
                    #expect(page.total == 40)
                    seen += page.schedules
                    cursor = page.nextCursor.flatMap(FleetScheduleCursor.init)
                } while cursor != nil
                #expect(Set(seen.map(\.schedule.id)).count == 40)
                #expect(seen.count == 40)
                for found in seen {
                    let schedule = found.schedule
                    let expected = ScheduleRule.condition(
                        isEnabled: schedule.enabled, next: schedule.nextRunAt, lastStatus: schedule.lastStatus,
                        now: Date())
                    #expect(found.condition == expected, "\(schedule)")
                    #expect(found.sentence == "At 09:00 every day, in UTC.")
                }
                let ranks = seen.map { ScheduleCondition.allCases.firstIndex(of: $0.condition) ?? -1 }
                #expect(ranks == ranks.sorted())
            }
            for condition in ScheduleCondition.allCases {
                let page = try await store.page(filter { $0.conditions = [condition] }, after: nil, limit: 100)
                #expect(page.schedules.allSatisfy { $0.condition == condition })
                #expect(page.total == page.schedules.count)
                #expect(page.total > 0)
            }
        }
    }

    @Test("Filters narrow down, the text is literal, and schedules of removed workspaces are not shown")
    func filters() async throws {
        try await ScheduleFixture.with { fixture in
            let store = FleetScheduleStore(postgres: fixture.postgres)
            let (first, second) = (try await fixture.workspace(), try await fixture.workspace("removed"))
            try await fixture.sql("UPDATE workspaces SET name = 'A_Team' WHERE id = '\(first)'")
            let daily = try await fixture.due(first, name: "100% daily")
            let broken = try await fixture.due(first, name: "other", expression: "nonsense")
            _ = try await fixture.due(second, name: "gone")
            func ids(_ change: (inout FleetScheduleFilter) -> Void) async throws -> Set<UUID> {
                let page = try await store.page(filter(change), after: nil, limit: 10)
                #expect(page.schedules.allSatisfy { $0.workspaceName == "A_Team" })
                return Set(page.schedules.map(\.schedule.id))
            }
            #expect(try await ids { _ in } == [daily, broken])
            #expect(try await ids { $0.text = "0% D" } == [daily])
            #expect(try await ids { $0.text = "a_t" } == [daily, broken])
            #expect(try await ids { $0.text = "0_d" } == [])
            #expect(try await ids { $0.workspace = second } == [])
            let page = try await store.page(filter { $0.text = "other" }, after: nil, limit: 10)
            #expect(page.schedules.first?.sentence == nil)
        }
    }

    @Test("Each has its last twenty runs, newest first")
    func runs() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let schedule = try await fixture.due(workspace)
            try await fixture.sql(
                """
                INSERT INTO activity_logs (id, workspace_id, activity_type, method, summary, status, duration_ms,
                    error_detail, schedule_id, created_at)
                SELECT gen_random_uuid(), '\(workspace)', 'cron_run', 'message/send', 's', 'ok', n, NULL, '\(schedule)',
                    now() - n * interval '1 minute' FROM generate_series(1, 25) AS n
                """)
            let store = FleetScheduleStore(postgres: fixture.postgres)
            let page = try await store.page(FleetScheduleFilter(), after: nil, limit: 10)
            #expect(page.schedules.first?.runs.map(\.durationMilliseconds) == Array(1...20))
        }
    }

    @Test("Each condition is read from its index, however many there are")
    func plan() async throws {
        try await ScheduleFixture.with { fixture in
            let conditions = ScheduleCondition.allCases.map(\.rawValue).joined(separator: ",")
            let calls = [
                "SET LOCAL plan_cache_mode = force_custom_plan", "SET LOCAL enable_seqscan = off",
                "PREPARE explained AS \(FleetScheduleStore.page.sql)",
                "EXPLAIN EXECUTE explained (NULL, NULL, '{\(conditions)}', 101, 60, -1, NULL, NULL)",
                "DEALLOCATE explained",
            ].map { Call(Statement("", $0)) }
            let results = try await fixture.postgres.transaction { session in try await session.query(calls) }
            let plan = try results[3].map { $0.string(0) }.joined(separator: "\n")
            for index in ["unplanned", "due", "troubled", "paused"] {
                #expect(plan.contains("workspace_schedules_\(index)"), "\(index): \(plan)")
            }
        }
    }

    @Test(
        "An error in an expression or a zone names the field",
        arguments: [
            ("", "UTC", "cron_expr"), ("61 * * * *", "UTC", "cron_expr"), ("* * * * *", "Mars/Base", "timezone"),
            (String(repeating: "*", count: 300), "UTC", "cron_expr"),
        ])
    func expressions(_ expression: String, _ zone: String, _ field: String) {
        let error = #expect(throws: APIError.self) { try ScheduleRule.check(expression: expression, timezone: zone) }
        #expect(error?.field == field)
        #expect(error?.status == .badRequest)
    }
}
