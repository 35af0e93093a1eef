import AMQPClient
import EventLoop
import EventOutbox
import Foundation
import Observability
import PostgresClient
import Scheduler
import TestSupport
import Testing

@Suite("A row that cannot be fired")
struct FiringTests {
    private func firing(_ fixture: ScheduleFixture) throws -> Firing {
        let metrics = MetricsRegistry()
        let publisher = try AMQPPublisher(
            urls: "amqp://guest:guest@127.0.0.1:1/", topology: AMQPTopology([]), logger: .disabled, metrics: metrics)
        return Firing(
            store: fixture.firing,
            relay: EventRelay(postgres: fixture.postgres, publisher: publisher, logger: .disabled, metrics: metrics),
            broadcast: EventBroadcast(publisher: publisher, service: "scheduler"), metrics: SchedulerMetrics(metrics),
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
            // The database does not take what belongs to this workspace, whoever tries.
            try await fixture.sql(
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN
                    IF NEW.workspace_id = '\(poisoned)' THEN RAISE EXCEPTION 'not this one'; END IF;
                    RETURN NEW;
                END $$
                """)
            try await fixture.sql(
                "CREATE TRIGGER refuse BEFORE INSERT ON a2a_queue FOR EACH ROW EXECUTE FUNCTION refuse()")
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

    @Test("A database that is away fires nothing and puts nothing off")
    func away() async throws {
        try await ScheduleFixture.with { fixture in
            let id = try await fixture.due(try await fixture.workspace())
            try await fixture.sql("ALTER TABLE a2a_queue RENAME TO elsewhere")
            _ = try? await firing(fixture).fireDue()
            try await fixture.sql("ALTER TABLE elsewhere RENAME TO a2a_queue")
            #expect(try await fixture.count("workspace_schedules WHERE id = '\(id)' AND next_run_at < now()") == 1)
            #expect(try await firing(fixture).fireDue()["fired"] == 1)
        }
    }
}
