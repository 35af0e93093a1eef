import Contracts
import EventOutbox
import Foundation
import JSONBytes
import Postgres
import Scheduler
import Testing
import TestSupport

@Suite("How runs ended, in Postgres")
struct OutcomeStoreTests {
    private static let said = #"{"result":{"parts":[{"kind":"text","text":"done"}]}}"#
    private static let nothing = #"{"result":{"parts":[]}}"#

    /// Fires a schedule once and ends its run.
    private func run(
        _ id: UUID, _ fixture: ScheduleFixture, as status: String = "completed", response: String? = nil,
        error: String? = nil
    ) async throws {
        try await fixture.makeDue(id)
        #expect(try await fixture.firing.fire().runs == 1)
        try await fixture.end(id, as: status, response: response, error: error)
        #expect(try await fixture.outcomes.recordEnded().count == 1)
    }

    @Test("Each run is recorded once: in its schedule, its history, the feed's events")
    func records() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let id = try await fixture.due(workspace, name: "n")
            #expect(try await fixture.firing.fire().runs == 1)
            #expect(try await fixture.outcomes.recordEnded().count == 0)
            try await fixture.end(id, response: Self.said)
            let recorded = try await fixture.outcomes.recordEnded()
            #expect(recorded.events.map(\.event.type) == ["schedule.executed"])
            let data = try recorded.events[0].event.decodeData(as: ScheduleChanged.self)
            #expect(data.status == "ok")
            #expect(data.queueID != nil)
            #expect(recorded.records.count == 1)
            #expect(recorded.records[0].milliseconds == 2000)
            #expect(try await fixture.last(id) == "ok|-|1")
            #expect(try await fixture.outcomes.recordEnded().count == 0)
            let history = try #require(try await fixture.schedules.history(id, of: workspace))
            #expect(history.map(\.status) == ["ok"])
            #expect(try await fixture.schedules.history(id, of: UUID()) == nil)
            #expect(try await fixture.count("workspace_schedules WHERE last_run_at IS NOT NULL") == 1)
        }
    }

    @Test("Three empty responses in a row are stale; one that says something begins anew")
    func stale() async throws {
        try await ScheduleFixture.with { fixture in
            let id = try await fixture.due(try await fixture.workspace())
            for expected in ["ok|-|1", "ok|-|2", "stale|empty response 3 times in a row|3"] {
                try await run(id, fixture, response: Self.nothing)
                #expect(try await fixture.last(id) == expected)
            }
            try await run(id, fixture, response: Self.said)
            #expect(try await fixture.last(id) == "ok|-|4")
            try await run(id, fixture, response: Self.nothing)
            #expect(try await fixture.last(id) == "ok|-|5")
            try await run(id, fixture, as: "failed", error: "refused")
            #expect(try await fixture.last(id) == "error|refused|6")
        }
    }

    @Test("A run that was not taken in time is skipped, with what its workspace was busy with")
    func busy() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let id = try await fixture.due(workspace)
            #expect(try await fixture.firing.fire().runs == 1)
            try await fixture.sql("UPDATE workspace_vitals SET active_tasks = 3 WHERE workspace_id = '\(workspace)'")
            try await fixture.sql(
                """
                UPDATE a2a_queue SET status = 'dropped', completed_at = now(), last_error = 'expired',
                    expires_at = now() - interval '1 second'
                """)
            let recorded = try await fixture.outcomes.recordEnded()
            #expect(recorded.events.map(\.event.type) == ["schedule.skipped"])
            #expect(try await fixture.last(id) == "skipped|skipped: workspace busy (active_tasks=3)|1")
            #expect(recorded.records[0].summary == "Schedule was skipped")
        }
    }

    @Test("A run that its agent failed at, or that never reached it, is an error when its time is over")
    func tried() async throws {
        try await ScheduleFixture.with { fixture in
            for (attempts, error, expected) in [
                (1, "boom", "error|not done in time: boom|1"),
                (0, "failed to reach workspace agent", "error|not done in time: failed to reach workspace agent|1"),
                (0, "agent busy", "skipped|skipped: workspace busy (active_tasks=0)|1"),
            ] {
                let id = try await fixture.due(try await fixture.workspace())
                #expect(try await fixture.firing.fire().runs == 1)
                try await fixture.sql(
                    """
                    UPDATE a2a_queue SET status = 'dropped', completed_at = now(), last_error = '\(error)',
                        attempts = \(attempts), expires_at = now() - interval '1 second' WHERE schedule_id = '\(id)'
                    """)
                #expect(try await fixture.outcomes.recordEnded().count == 1)
                #expect(try await fixture.last(id) == expected)
            }
        }
    }

    /// A schedule of which three runs wait, one behind the other.
    private func threeRuns(_ fixture: ScheduleFixture) async throws -> UUID {
        let id = try await fixture.due(try await fixture.workspace(), overlap: "queue")
        for _ in 0..<3 {
            try await fixture.makeDue(id)
            #expect(try await fixture.firing.fire().runs == 1)
        }
        return id
    }

    @Test("The time of a run that waits does not begin while one before it is being delivered")
    func stillRunning() async throws {
        try await ScheduleFixture.with { fixture in
            _ = try await threeRuns(fixture)
            func change(_ position: Int, _ what: String) async throws {
                try await fixture.sql(
                    "UPDATE a2a_queue SET \(what) WHERE id = (SELECT id FROM a2a_queue ORDER BY enqueued_at OFFSET \(position) LIMIT 1)"
                )
            }
            try await change(0, "status = 'dispatched', lease_owner = 'x', lease_until = now() + interval '1 hour'")
            try await change(1, "status = 'dropped', completed_at = now(), last_error = 'dropped on request'")
            #expect(try await fixture.outcomes.recordEnded().count == 1)
            #expect(
                try await fixture.count("a2a_queue WHERE status = 'queued' AND expires_at > now() + interval '1 day'")
                    == 1)
            try await change(0, "status = 'completed', completed_at = now(), lease_owner = NULL, lease_until = NULL")
            #expect(try await fixture.outcomes.recordEnded().count == 1)
            #expect(
                try await fixture.count("a2a_queue WHERE status = 'queued' AND expires_at > now() + interval '1 day'")
                    == 0)
        }
    }

    @Test("The time of a run begins when it is first in line, also while the one before it is being claimed")
    func claimed() async throws {
        try await ScheduleFixture.with { fixture in
            _ = try await threeRuns(fixture)
            try await fixture.sql(
                """
                UPDATE a2a_queue SET status = 'completed', completed_at = now()
                WHERE id = (SELECT id FROM a2a_queue ORDER BY enqueued_at LIMIT 1)
                """)
            let lock = Statement(
                "test_lock_run",
                "SELECT id FROM a2a_queue WHERE status = 'queued' ORDER BY enqueued_at LIMIT 1 FOR UPDATE")
            let counts = try await fixture.postgres.transaction { transaction in
                let locked = try await transaction.query(lock).count
                return [locked, try await fixture.outcomes.recordEnded().count]
            }
            #expect(counts == [1, 1])
            let longLived = "a2a_queue WHERE status = 'queued' AND expires_at > now() + interval '1 day'"
            #expect(try await fixture.count(longLived) == 2)
            // What is being delivered comes first, and what is behind it waits on.
            let second = "id = (SELECT id FROM a2a_queue ORDER BY enqueued_at OFFSET 1 LIMIT 1)"
            try await fixture.sql(
                """
                UPDATE a2a_queue SET status = 'dispatched', lease_owner = 'x', lease_until = now() + interval '1 hour'
                WHERE \(second)
                """)
            #expect(try await fixture.outcomes.expediteAll() == 0)
            try await fixture.sql(
                "UPDATE a2a_queue SET status = 'queued', lease_owner = NULL, lease_until = NULL WHERE \(second)")
            #expect(try await fixture.outcomes.expediteAll() == 1)
            #expect(try await fixture.count(longLived) == 1)
            let soon = "a2a_queue WHERE expires_at < now() + interval '2 minutes' AND \(second)"
            #expect(try await fixture.count(soon) == 1)
            #expect(try await fixture.outcomes.expediteAll() == 0)
        }
    }

    @Test("A run whose row cannot be read is skipped; the others are recorded")
    func unreadable() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let (bad, good) = (try await fixture.due(workspace), try await fixture.due(workspace))
            #expect(try await fixture.firing.fire().runs == 2)
            try await fixture.end(bad)
            try await fixture.end(good, response: Self.said)
            try await fixture.sql("UPDATE a2a_queue SET enqueued_at = '-infinity' WHERE schedule_id = '\(bad)'")
            let recorded = try await fixture.outcomes.recordEnded()
            #expect(recorded.count == 2 && recorded.records.count == 1)
            #expect(recorded.unreadable.map(\.schedule) == [bad])
            #expect(try await fixture.last(bad) == "error|its run could not be recorded|1")
            #expect(try await fixture.last(good) == "ok|-|1")
            #expect(try await fixture.outcomes.recordEnded().count == 0)
        }
    }

    @Test("Several runs of a schedule that ended are taken in the order of their ends")
    func order() async throws {
        try await ScheduleFixture.with { fixture in
            let id = try await threeRuns(fixture)
            try await fixture.sql(
                """
                UPDATE a2a_queue q SET status = 'completed', response = '\(Self.nothing)',
                    completed_at = now() + n * interval '1 second'
                FROM (SELECT id, row_number() OVER (ORDER BY enqueued_at) AS n FROM a2a_queue) AS o WHERE o.id = q.id
                """)
            let recorded = try await fixture.outcomes.recordEnded()
            #expect(recorded.records.map(\.status) == [.ok, .ok, .stale])
            #expect(try await fixture.last(id) == "stale|empty response 3 times in a row|3")
        }
    }

    @Test("Two that record at once record each run once")
    func sideBySide() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace()
            try await fixture.sql(
                """
                INSERT INTO workspace_schedules (workspace_id, cron_expr, prompt, next_run_at)
                SELECT '\(workspace)', '0 0 1 1 *', 'p', now() - interval '1 second' FROM generate_series(1, 1000)
                """)
            #expect(try await fixture.firing.fire().runs == 1000)
            try await fixture.sql(
                "UPDATE a2a_queue SET status = 'completed', response = '\(Self.said)', completed_at = clock_timestamp()"
            )
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<3 {
                    group.addTask {
                        var all = 0
                        while true {
                            all += try await fixture.outcomes.recordEnded().records.count
                            if try await fixture.count("a2a_queue WHERE NOT run_recorded") == 0 { return all }
                        }
                    }
                }
                let records = try await group.reduce(0, +)
                #expect(records == 1000)
            }
            #expect(try await fixture.count("workspace_schedules WHERE run_count = 1 AND last_status = 'ok'") == 1000)
            #expect(try await fixture.count("activity_logs WHERE activity_type = 'cron_run'") == 1000)
            #expect(try await fixture.count("a2a_queue WHERE NOT run_recorded") == 0)
        }
    }

    @Test("Runs of a schedule that is gone are done with; a long response and one that is no UTF-8 count as one")
    func odd() async throws {
        try await ScheduleFixture.with { fixture in
            let workspace = try await fixture.workspace()
            let gone = try await fixture.due(workspace)
            let long = try await fixture.due(workspace)
            let bytes = try await fixture.due(workspace)
            #expect(try await fixture.firing.fire().runs == 3)
            try await fixture.sql("DELETE FROM workspace_schedules WHERE id = '\(gone)'")
            try await fixture.end(gone, response: Self.said)
            try await fixture.end(long, response: String(repeating: " ", count: RunOutcome.responseLimit + 1))
            try await fixture.end(bytes, response: "\u{FFFD}\u{FFFD}")
            try await fixture.sql("UPDATE a2a_queue SET response_bytes = '\\xfffe' WHERE schedule_id = '\(bytes)'")
            let recorded = try await fixture.outcomes.recordEnded()
            #expect(recorded.count == 3)
            #expect(recorded.records.count == 2)
            #expect(try await fixture.last(long) == "ok|-|1")
            #expect(try await fixture.last(bytes) == "ok|-|1")
            #expect(try await fixture.count("a2a_queue WHERE NOT run_recorded") == 0)
        }
    }
}
