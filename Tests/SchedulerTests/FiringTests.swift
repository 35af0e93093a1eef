import AMQP
import EventOutbox
import Foundation
import Observability
import Postgres
import Scheduler
import Testing
import TestSupport
import UVLoop

@Suite("A row that cannot be fired")
struct FiringTests {
    /// To a broker that is away: what is committed stays for the sweeper.
    private func publishing(_ fixture: ScheduleFixture) throws -> (EventRelay, EventBroadcast) {
        let metrics = MetricsRegistry()
        let publisher = try AMQPPublisher(
            urls: "amqp://guest:guest@127.0.0.1:1/", topology: AMQPTopology([]), logger: .disabled, metrics: metrics)
        return (
            EventRelay(postgres: fixture.postgres, publisher: publisher, logger: .disabled, metrics: metrics),
            EventBroadcast(publisher: publisher, service: "scheduler")
        )
    }

    private func firing(_ fixture: ScheduleFixture) throws -> Firing {
        let (relay, broadcast) = try publishing(fixture)
        return Firing(
            store: fixture.firing, relay: relay, broadcast: broadcast, metrics: SchedulerMetrics(MetricsRegistry()),
            logger: .disabled)
    }

    @Test("It is put off; its neighbours of the same batch fire, each once")
    func poison() async throws {
        try await ScheduleFixture.with { fixture in
            let (workspace, poisoned) = (try await fixture.workspace(), try await fixture.workspace())
            try await fixture.sql(
                """
                INSERT INTO workspace_schedules (workspace_id, cron_expr, prompt, next_run_at)
                SELECT '\(workspace)', '0 0 1 1 *', 'p', now() - interval '1 second' FROM generate_series(1, 50)
                """)
            let bad = [try await fixture.due(poisoned, late: 10), try await fixture.due(poisoned)]
            try await fixture.refuse(poisoned, in: "a2a_queue")
            let counts = try await firing(fixture).fireDue()
            #expect(counts["fired"] == 50)
            #expect(counts["broken"] == 2)
            #expect(try await fixture.count("(SELECT DISTINCT schedule_id FROM a2a_queue) AS s") == 50)
            #expect(try await fixture.count("a2a_queue") == 50)
            for id in bad {
                #expect(try await fixture.last(id) == "error|could not be fired: an internal error|0")
                #expect(
                    try await fixture.count(
                        "workspace_schedules WHERE id = '\(id)' AND next_run_at > now() + interval '59 minutes'") == 1)
            }
            #expect(try await firing(fixture).fireDue()["fired"] == 0)
        }
    }

    @Test("A run whose end the database refuses is skipped, those beside it are recorded")
    func unrecordable() async throws {
        try await ScheduleFixture.with { fixture in
            let (workspace, poisoned) = (try await fixture.workspace(), try await fixture.workspace())
            let bad = try await fixture.due(poisoned)
            var good: [UUID] = []
            for _ in 0..<5 { good.append(try await fixture.due(workspace)) }
            #expect(try await fixture.firing.fire().runs == 6)
            for id in [bad] + good { try await fixture.end(id, response: #"{"result":"done"}"#) }
            try await fixture.refuse(poisoned, in: "activity_logs")
            let (relay, broadcast) = try publishing(fixture)
            let recording = Recording(
                store: fixture.outcomes, relay: relay, broadcast: broadcast,
                metrics: SchedulerMetrics(MetricsRegistry()), logger: .disabled)
            #expect(try await recording.recordEnded()["recorded"] == 6)
            #expect(try await fixture.last(bad) == "error|its run could not be recorded|1")
            for id in good { #expect(try await fixture.last(id) == "ok|-|1") }
            #expect(try await fixture.count("a2a_queue WHERE NOT run_recorded") == 0)
        }
    }

    @Test("What is wrong with the database as a whole fires nothing, and puts nothing off")
    func wrongSchema() async throws {
        try await ScheduleFixture.with { fixture in
            let id = try await fixture.due(try await fixture.workspace())
            try await fixture.sql("ALTER TABLE structure_events RENAME TO elsewhere")
            await #expect(throws: PostgresError.self) { try await firing(fixture).fireDue() }
            try await fixture.sql("ALTER TABLE elsewhere RENAME TO structure_events")
            #expect(try await fixture.count("workspace_schedules WHERE id = '\(id)' AND next_run_at < now()") == 1)
            #expect(try await firing(fixture).fireDue()["fired"] == 1)
        }
    }
}
