import Contracts
import EventOutbox
import Foundation
import JSONBytes
import Postgres
import Scheduler
import Testing
import TestSupport

@Suite("Firing in Postgres")
struct FiringStoreTests {
    @Test("What is due becomes a message in the queue, with one event, and the next slot is in the future")
    func fires() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let id = try await fixture.due(workspace, name: "daily", prompt: "say \"hello\"\n\u{1F600}")
            let fired = try await fixture.firing.fire()
            #expect(fired.runs == 1)
            #expect(fired.events.map(\.event.type) == ["schedule.fired"])
            let data = try fired.events[0].event.decodeData(as: ScheduleChanged.self)
            #expect(data.scheduleID == id)
            #expect(data.scheduleName == "daily")
            #expect(data.status == "fired")
            #expect(fired.events[0].event.subject == workspace)

            let row = try await fixture.postgres.query(
                Statement(
                    "",
                    "SELECT body, idempotency_key, caller_id, id, method, priority, round(extract(epoch FROM expires_at - enqueued_at))::int FROM a2a_queue WHERE schedule_id = '\(id)'"
                ))[0]
            let message = try JSONValue(decoding: row.bytes(0))
            #expect(message["method"]?.string == "message/send")
            #expect(message["params"]?["message"]?["role"]?.string == "user")
            #expect(message["params"]?["message"]?["parts"]?[0]?["text"]?.string == "say \"hello\"\n\u{1F600}")
            let messageID = try #require(message["params"]?["message"]?["messageId"]?.string)
            #expect(messageID.wholeMatch(of: /cron-[0-9a-f]{8}-[0-9a-f]{8}/) != nil)
            #expect(messageID.hasPrefix("cron-\(id.uuidString.lowercased().prefix(8))-"))
            #expect(row.string(1) == messageID)
            #expect(row.optionalUUID(2) == nil)
            #expect(row.uuid(3) == data.queueID)
            #expect(row.int(5) == 50)
            #expect((60...120).contains(row.int(6)))
            #expect(
                try await fixture.count("workspace_schedules WHERE next_run_at > now() AND last_status IS NULL") == 1)
            #expect(try await fixture.firing.fire().schedules.isEmpty)
        }
    }

    @Test("Slots that are left out are in the history and among the events; the schedule says why")
    func skips() async throws {
        try await ScheduleFixture.with { fixture in
            let paused = try await fixture.due(
                try await fixture.workspace("paused"), name: "p", prompt: String(repeating: "é", count: 300))
            let missed = try await fixture.due(try await fixture.workspace(), missed: "skip", late: 90)
            let busy = try await fixture.due(try await fixture.workspace())
            #expect(try await fixture.firing.fire().runs == 1)
            try await fixture.makeDue(busy)
            let fired = try await fixture.firing.fire()
            #expect(fired.runs == 0)
            #expect(fired.skipped.map(\.schedule) == [busy])
            #expect(fired.events.map(\.event.type) == ["schedule.skipped"])
            #expect(try await fixture.last(paused) == "skipped|skipped: workspace is paused|1")
            #expect(try await fixture.last(missed)?.hasPrefix("skipped|skipped: 1") == true)
            #expect(try await fixture.last(busy) == "skipped|skipped: previous run has not ended|1")
            #expect(try await fixture.count("a2a_queue") == 1)
            let history = try #require(
                try await fixture.schedules.history(paused, of: try await owner(paused, fixture)))
            #expect(history.map(\.status) == ["skipped"])
            let request = try JSONValue(decoding: try #require(history[0].request).bytes)
            #expect(request["schedule_name"]?.string == "p")
            #expect(request["prompt"]?.string == String(repeating: "é", count: 200))
            #expect(history[0].errorDetail == "skipped: workspace is paused")
        }
    }

    private func owner(_ schedule: UUID, _ fixture: ScheduleFixture) async throws -> UUID {
        let text = try await fixture.sql("SELECT workspace_id FROM workspace_schedules WHERE id = '\(schedule)'")
        return try #require(text.flatMap { UUID(uuidString: $0) })
    }

    @Test("Runtimes that fire by themselves and slots from before a resumption only move on")
    func passes() async throws {
        try await ScheduleFixture.with { fixture in
            let (native, resumed) = (try await fixture.workspace(), try await fixture.workspace())
            let ids = [try await fixture.due(native), try await fixture.due(resumed, late: 2)]
            try await fixture.sql("UPDATE workspace_vitals SET capabilities = 2 WHERE workspace_id = '\(native)'")
            try await fixture.sql(
                "UPDATE workspaces SET schedules_from = now() - interval '1 second' WHERE id = '\(resumed)'")
            let fired = try await fixture.firing.fire()
            #expect(Set(fired.schedules) == Set(ids))
            #expect(fired.runs == 0)
            #expect(fired.events.isEmpty)
            #expect(
                try await fixture.count("workspace_schedules WHERE next_run_at > now() AND last_status IS NULL") == 2)
            #expect(try await fixture.count("activity_logs") == 0)
        }
    }

    @Test("Schedulers that fire at once fire different schedules: each slot once")
    func sideBySide() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace()
            try await fixture.sql(
                """
                INSERT INTO workspace_schedules (workspace_id, cron_expr, prompt, next_run_at)
                SELECT '\(workspace)', '0 0 1 1 *', 'p', now() - interval '1 second' FROM generate_series(1, 3000)
                """)
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        var runs = 0
                        while true {
                            let fired = try await fixture.firing.fire()
                            runs += fired.runs
                            if fired.schedules.isEmpty { return runs }
                        }
                    }
                }
                let runs = try await group.reduce(0, +)
                #expect(runs == 3000)
            }
            #expect(try await fixture.count("a2a_queue") == 3000)
            #expect(try await fixture.count("(SELECT DISTINCT schedule_id FROM a2a_queue) AS s") == 3000)
        }
    }

    @Test("A claim is bounded by the bytes of its prompts")
    func bytes() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace()
            try await fixture.sql(
                """
                INSERT INTO workspace_schedules (workspace_id, cron_expr, prompt, next_run_at)
                SELECT '\(workspace)', '0 0 1 1 *', repeat('x', 65536), now() - interval '1 second'
                FROM generate_series(1, 100)
                """)
            #expect(try await fixture.firing.fire().runs == FiringStore.batchBytes / 65536)
            #expect(try await fixture.firing.fire().runs == 100 - FiringStore.batchBytes / 65536)
        }
    }

    @Test("Runs of a schedule that queues wait one behind the other, and their time begins when they are first in line")
    func queues() async throws {
        try await ScheduleFixture.with { fixture in
            let id = try await fixture.due(try await fixture.workspace(), overlap: "queue")
            for _ in 0..<3 {
                try await fixture.makeDue(id)
                #expect(try await fixture.firing.fire().runs == 1)
            }
            let soon = "a2a_queue WHERE status = 'queued' AND expires_at < now() + interval '3 minutes'"
            #expect(try await fixture.count(soon) == 1)
            #expect(try await fixture.count("(SELECT DISTINCT context_id FROM a2a_queue) AS c") == 1)
            try await fixture.sql(
                "UPDATE a2a_queue SET status = 'completed', response = '{\"result\":\"x\"}', completed_at = now() WHERE id = (SELECT id FROM a2a_queue ORDER BY enqueued_at LIMIT 1)"
            )
            #expect(try await fixture.outcomes.recordEnded().count == 1)
            #expect(try await fixture.count(soon) == 1)
            #expect(try await fixture.count("a2a_queue WHERE status = 'queued'") == 2)
        }
    }

    @Test("A schedule that cannot be computed is put off with its reason, those beside it fire")
    func broken() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let bad = try await fixture.due(workspace, expression: "61 * * * *", late: 5)
            let good = try await fixture.due(workspace)
            let fired = try await fixture.firing.fire()
            #expect(fired.runs == 1)
            #expect(fired.broken.map(\.schedule) == [bad])
            #expect(try await fixture.last(bad)?.hasPrefix("error|invalid cron expression: minute") == true)
            #expect(try await fixture.last(good) == "-|-|0")
            #expect(
                try await fixture.count(
                    "workspace_schedules WHERE id = '\(bad)' AND next_run_at > now() + interval '59 minutes'") == 1)
        }
    }

    @Test("A row that cannot be read is put off, those beside it fire")
    func unreadable() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let (bad, good) = (try await fixture.due(workspace), try await fixture.due(workspace))
            try await fixture.sql("UPDATE workspace_schedules SET next_run_at = '-infinity' WHERE id = '\(bad)'")
            let fired = try await fixture.firing.fire()
            #expect(fired.runs == 1)
            #expect(fired.broken.map(\.schedule) == [bad])
            #expect(try await fixture.last(bad) == "error|its row cannot be read|0")
            #expect(try await fixture.last(good) == "-|-|0")
            #expect(try await fixture.firing.fire().schedules.isEmpty)
        }
    }

    @Test(
        "What was put off has its slot when it can be fired again, or counts it as missed", arguments: ["once", "skip"])
    func repaired(missed: String) async throws {
        try await ScheduleFixture.with { fixture in
            let id = try await fixture.due(
                try await fixture.workspace(), expression: "61 * * * *", missed: missed, late: 5)
            #expect(try await fixture.firing.fire().broken.count == 1)
            try await fixture.sql(
                "UPDATE workspace_schedules SET cron_expr = '0 0 1 1 *', next_run_at = now(), put_off_from = now() - interval '1 hour'"
            )
            #expect(try await fixture.firing.fire().runs == (missed == "once" ? 1 : 0))
            let expected = missed == "once" ? "error|" : "skipped|skipped: 1 missed slot|1"
            #expect(try await fixture.last(id)?.hasPrefix(expected) == true)
            #expect(
                try await fixture.count("workspace_schedules WHERE put_off_from IS NULL AND next_run_at > now()") == 1)
        }
    }

    @Test("One that was fired or changed meanwhile is not postponed")
    func postponeLate() async throws {
        try await ScheduleFixture.with { fixture in
            let id = try await fixture.due(try await fixture.workspace())
            #expect(try await fixture.firing.fire().runs == 1)
            try await fixture.firing.postpone(id, because: "x")
            #expect(try await fixture.last(id) == "-|-|0")
        }
    }

    @Test("Schedules that came without a next slot are given one, and fire nothing for it")
    func plans() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace()
            try await fixture.sql(
                """
                INSERT INTO workspace_schedules (workspace_id, name, cron_expr, prompt, source, enabled)
                VALUES ('\(workspace)', 'a', '@every 90s', 'p', 'template', true),
                    ('\(workspace)', 'b', '0 0 1 1 *', 'p', 'template', true),
                    ('\(workspace)', 'c', '0 0 1 1 *', 'p', 'template', false)
                """)
            #expect(try await fixture.firing.plan() == 2)
            #expect(try await fixture.firing.plan() == 0)
            #expect(
                try await fixture.count("workspace_schedules WHERE next_run_at > now() AND last_status IS NULL") == 2)
            #expect(
                try await fixture.count(
                    "workspace_schedules WHERE name = 'a' AND next_run_at < now() + interval '91 s'") == 1)
            #expect(try await fixture.count("a2a_queue") == 0)
        }
    }
}
