import Contracts
import Cron
import EventOutbox
import Foundation
import HTTPCore
import PlatformInternals
import Postgres
import Scheduler
import Testing
import TestSupport
import UVHTTPServer

@Suite("Schedules in Postgres")
struct ScheduleStoreTests {
    private func create(
        _ fixture: ScheduleFixture, _ workspace: UUID, name: String = "", expression: String = "0 0 1 1 *",
        enabled: Bool = true
    ) async throws -> ScheduleStore.Change {
        let request = CreateScheduleRequest(name: name, cronExpression: expression, prompt: "p", enabled: enabled)
        let checked = try ScheduleRule.check(name: name, expression: expression, timezone: "UTC", prompt: "p")
        return try await fixture.schedules.create(checked, request, for: workspace)
    }

    private func id(_ change: ScheduleStore.Change) throws -> UUID {
        guard case .done(let id, _) = change else { throw TimedOut("\(change)") }
        return id
    }

    @Test("A name is unique in its workspace; any number may go without one, up to the limit")
    func names() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace()
            _ = try id(try await create(fixture, workspace, name: "a"))
            #expect(try await create(fixture, workspace, name: "a") == .nameTaken)
            _ = try id(try await create(fixture, try await fixture.workspace(), name: "a"))
            for _ in 0..<(Limits.schedules - 1) { _ = try id(try await create(fixture, workspace)) }
            #expect(try await create(fixture, workspace) == .tooMany)
            #expect(try await create(fixture, UUID()) == .unknown)
            #expect(try await create(fixture, try await fixture.workspace("removed")) == .unknown)
            #expect(try await fixture.schedules.list(workspace).count == Limits.schedules)
        }
    }

    @Test("Enabling, and changing the expression or the zone, compute the next slot from now; nothing else does")
    func next() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let schedule = try id(try await create(fixture, workspace, expression: "@every 1h"))
            // As if it had been due for long, and had not been fired.
            try await fixture.sql("UPDATE workspace_schedules SET next_run_at = now() - interval '1 day'")
            func update(_ change: @escaping @Sendable (inout ScheduleEntry) -> Void) async throws -> Date? {
                let done = try await fixture.schedules.update(schedule, of: workspace) { old in
                    var new = old
                    change(&new)
                    let checked = try ScheduleRule.check(
                        name: new.name, expression: new.cronExpression, timezone: new.timezone, prompt: new.prompt)
                    return (new, checked.cron)
                }
                guard case .done(_, let next) = done else { throw TimedOut("\(done)") }
                return next
            }
            let late = try #require(try await update { $0.prompt = "other" })
            #expect(late < Date())
            #expect(try #require(try await update { $0.timezone = "Europe/Berlin" }) > Date())
            try await fixture.sql("UPDATE workspace_schedules SET next_run_at = now() - interval '1 day'")
            #expect(try #require(try await update { $0.cronExpression = "@every 2h" }) > Date())
            #expect(try await update { $0.enabled = false } == nil)
            #expect(try await fixture.count("workspace_schedules WHERE next_run_at IS NULL AND NOT enabled") == 1)
            #expect(try #require(try await update { $0.enabled = true }) > Date())
            #expect(try await fixture.firing.fire().schedules.isEmpty)
        }
    }

    @Test("A schedule of another workspace is unknown")
    func strangers() async throws {
        try await ScheduleFixture.with { fixture in
            let schedule = try id(try await create(fixture, try await fixture.workspace()))
            let other = try await fixture.workspace()
            let change = try await fixture.schedules.update(schedule, of: other) {
                ($0, try CronSchedule("@daily", timeZone: .utc))
            }
            #expect(change == .unknown)
            #expect(try await fixture.schedules.delete(schedule, of: other) == nil)
            guard case .unknown = try await fixture.manual.run(schedule, of: other) else {
                Issue.record("ran")
                return
            }
            #expect(try await fixture.count("workspace_schedules") == 1)
        }
    }

    @Test("A deletion takes what waits of it out of the queue, and leaves what is being delivered")
    func deletion() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let schedule = try id(try await create(fixture, workspace))
            for _ in 0..<2 { _ = try await fixture.manual.run(schedule, of: workspace) }
            try await fixture.sql(
                """
                UPDATE a2a_queue SET status = 'dispatched', lease_owner = 'x', lease_until = now()
                WHERE id = (SELECT id FROM a2a_queue LIMIT 1)
                """)
            let events = try #require(try await fixture.schedules.delete(schedule, of: workspace))
            #expect(events.map(\.event.type) == ["a2a.dropped"])
            #expect(try events[0].event.decodeData(as: A2AOutcome.self).scheduleID == schedule)
            #expect(try await fixture.count("a2a_queue WHERE status = 'dispatched'") == 1)
            #expect(try await fixture.count("a2a_queue WHERE status = 'dropped' AND run_recorded") == 1)
        }
    }

    @Test("A run by hand goes whether or not the schedule is enabled, and is recorded as such")
    func manual() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace("hibernated")
            let schedule = try id(try await create(fixture, workspace, enabled: false))
            guard case .fired(let prompt, let events) = try await fixture.manual.run(schedule, of: workspace) else {
                Issue.record("not fired")
                return
            }
            #expect(prompt == "p")
            #expect(events.map(\.event.type) == ["schedule.fired"])
            try await fixture.end(schedule, response: #"{"result":"x"}"#)
            let recorded = try await fixture.outcomes.recordEnded()
            #expect(recorded.records.map(\.isManual) == [true])
            #expect(String(decoding: recorded.records[0].request, as: UTF8.self).contains(#""trigger":"manual""#))
            #expect(try await fixture.count("workspace_schedules WHERE next_run_at IS NULL") == 1)
            try await fixture.sql("UPDATE workspaces SET status = 'paused'")
            guard case .refused(.paused) = try await fixture.manual.run(schedule, of: workspace) else {
                Issue.record("fired at a paused workspace")
                return
            }
        }
    }

    @Test("No more runs of a schedule wait than may")
    func waiting() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let schedule = try id(try await create(fixture, workspace))
            for _ in 0..<Limits.waitingRuns { _ = try await fixture.manual.run(schedule, of: workspace) }
            guard case .tooManyWaiting = try await fixture.manual.run(schedule, of: workspace) else {
                Issue.record("one too many")
                return
            }
            #expect(try await fixture.count("a2a_queue") == Limits.waitingRuns)
        }
    }

    @Test("Enabled schedules that are late, failing, stale or skipped are listed; others are not")
    func health() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace()
            for name in ["fine", "late", "failing", "stale", "skipped", "off"] {
                _ = try id(try await create(fixture, workspace, name: name))
            }
            try await fixture.sql(
                """
                UPDATE workspace_schedules SET last_status = CASE name WHEN 'failing' THEN 'error'
                    WHEN 'stale' THEN 'stale' WHEN 'skipped' THEN 'skipped' WHEN 'off' THEN 'error' ELSE 'ok' END,
                    enabled = name <> 'off',
                    next_run_at = CASE WHEN name IN ('late', 'failing') THEN now() - interval '2 minutes'
                        ELSE now() + interval '1 minute' END
                """)
            let store = ScheduleHealthStore(postgres: fixture.postgres)
            let unhealthy = try await store.unhealthy()
            #expect(
                Dictionary(uniqueKeysWithValues: unhealthy.map { ($0.name, $0.problems) }) == [
                    "late": [.late], "failing": [.late, .failing], "stale": [.stale], "skipped": [.skipped],
                ])
            let health = try await store.health(of: workspace)
            #expect(health.count == 6)
            let text = String(decoding: try WireJSON.encode(health), as: UTF8.self)
            #expect(!text.contains("prompt"))
            #expect(!text.contains("cron_expr"))
        }
    }

    @Test("A workspace that has reported no change for too long while busy is freed, others are not")
    func phantoms() async throws {
        try await ScheduleFixture.with { fixture in
            let (stuck, working, idle) = (
                try await fixture.workspace(), try await fixture.workspace(), try await fixture.workspace()
            )
            for (id, tasks, age) in [(stuck, 2, 601), (working, 1, 500), (idle, 0, 10_000)] {
                try await fixture.sql(
                    """
                    UPDATE workspace_vitals SET active_tasks = \(tasks),
                        active_tasks_changed_at = now() - interval '\(age) seconds' WHERE workspace_id = '\(id)'
                    """)
            }
            let store = PhantomBusyStore(postgres: fixture.postgres)
            let freed = try await store.reset(olderThan: PhantomBusySearch.age)
            #expect(freed.map(\.workspace) == [stuck])
            #expect(freed.map(\.tasks) == [2])
            #expect(try await fixture.count("workspace_vitals WHERE active_tasks = 0") == 2)
            #expect(try await store.reset(olderThan: PhantomBusySearch.age).isEmpty)
        }
    }
}

@Suite("What a request may say about a schedule")
struct ScheduleRuleTests {
    @Test(
        "What is missing, unknown or too long is refused with its field",
        arguments: [
            ("", "p", "UTC", "cron_expr", "cron_expr and prompt are required"),
            ("* * * * *", "\r", "UTC", "prompt", "cron_expr and prompt are required"),
            ("* * * * *", "p", "Mars/Olympus", "timezone", "invalid timezone: Mars/Olympus"),
            (
                "* * * * *", String(repeating: "x", count: Limits.schedulePrompt + 1), "UTC", "prompt",
                "invalid request body"
            ),
            (String(repeating: "1,", count: 200) + " * * * *", "p", "UTC", "cron_expr", "invalid request body"),
        ])
    func refused(expression: String, prompt: String, zone: String, field: String, sentence: String) {
        #expect {
            try ScheduleRule.check(name: "n", expression: expression, timezone: zone, prompt: prompt)
        } throws: { error in
            guard let error = error as? APIError else { return false }
            return error.status.code == 400 && error.message == sentence && error.field == field
        }
    }

    @Test("An expression that is none is refused with the field of the expression, and why")
    func expression() {
        #expect {
            try ScheduleRule.check(name: "", expression: "0 0 30 2 *", timezone: "UTC", prompt: "p")
        } throws: { error in
            guard let error = error as? APIError else { return false }
            return error.field == "cron_expr" && error.message.hasPrefix("invalid cron expression: ")
        }
    }

    @Test("Carriage returns are taken out, an empty zone is UTC")
    func accepted() throws {
        let checked = try ScheduleRule.check(name: "n", expression: " @daily ", timezone: "", prompt: "a\r\nb\0")
        #expect(checked.prompt == "a\nb\u{FFFD}")
        #expect(checked.timezone == "UTC")
        #expect(checked.expression == "@daily")
    }
}
