import AMQP
import Contracts
import Postgres
import ServiceHost
import Testing
import TestSupport

@Suite(.timeLimit(.minutes(5))) struct TickStoreTests {
    private struct Failure: Error {
        let secret = "hunter2"
    }

    @Test func aPassIsWrittenAtMostEveryFewSeconds() async throws {
        try await withMigratedPool("ticks") { pool in
            let ticks = TickStore(postgres: pool, instance: "one")
            await ticks.note("sweep", duration: .milliseconds(1500), counts: ["b": 2, "a": 1])
            await ticks.note("sweep", duration: .seconds(9), counts: ["c": 3])
            await ticks.note("other", duration: .zero, counts: [:])
            let all = try await ticks.all()
            #expect(all.keys.sorted() == ["other", "sweep"])
            let tick = try #require(all["sweep"])
            #expect(tick.counts == ["a": 1, "b": 2] && tick.durationMilliseconds == 1500)
            #expect(tick.lastTickAt != nil && tick.secondsAgo.map { $0 >= 0 } == true && tick.lastError == nil)
            #expect(all["other"]?.counts == [:] && all["other"]?.durationMilliseconds == 0)
            // What another instance ran is the last of all.
            await TickStore(postgres: pool, instance: "two").note("sweep", duration: .zero, counts: ["d": 4])
            #expect(try await ticks.all()["sweep"]?.counts == ["d": 4])
        }
    }

    @Test func aFailureKeepsTheLastTickAndTheNextSuccessIsWrittenAtOnce() async throws {
        try await withMigratedPool("ticks") { pool in
            let ticks = TickStore(postgres: pool, instance: "one")
            await ticks.noteFailure("sweep", Failure())
            let never = try #require(try await ticks.all()["sweep"])
            #expect(never.lastTickAt == nil && never.secondsAgo == nil && never.durationMilliseconds == nil)
            #expect(never.lastError == "Failure")
            await ticks.note("sweep", duration: .seconds(1), counts: ["a": 1])
            let first = try #require(try await ticks.all()["sweep"])
            await ticks.noteFailure("sweep", Failure())
            let failed = try #require(try await ticks.all()["sweep"])
            #expect(failed.lastTickAt == first.lastTickAt && failed.lastTickAt != nil && failed.lastError == "Failure")
            #expect(failed.counts == ["a": 1])
            await ticks.note("sweep", duration: .seconds(2), counts: ["a": 2])
            let again = try #require(try await ticks.all()["sweep"])
            #expect(again.lastError == nil && again.counts == ["a": 2])
        }
    }

    /// `/admin/liveness` shows it.
    @Test func whatAnErrorSaysIsForTheLogAlone() async throws {
        try await withMigratedPool("ticks") { pool in
            let ticks = TickStore(postgres: pool, instance: "one")
            let refused = await #expect(throws: PostgresError.self) {
                try await pool.query(Statement("test_cast", "SELECT 'hunter2'::int"))
            }
            await ticks.noteFailure("postgres", try #require(refused))
            await ticks.noteFailure("rabbitmq", AMQPError(.outcomeUnknown, "hunter2"))
            await ticks.noteFailure("other", Failure())
            let all = try await ticks.all()
            #expect(all["postgres"]?.lastError == "postgres server 22P02 test_cast")
            #expect(all["rabbitmq"]?.lastError == "rabbitmq outcome_unknown")
            #expect(all["other"]?.lastError == "Failure")
        }
    }

    @Test func whatCannotBeWrittenIsNoFailureOfThePass() async throws {
        try await withMigratedPool("ticks") { pool in
            let ticks = TickStore(postgres: pool, instance: "one")
            _ = try await pool.query(Statement("", "ALTER TABLE subsystem_ticks RENAME TO gone"))
            await ticks.note("sweep", duration: .zero, counts: [:])
            await ticks.noteFailure("sweep", Failure())
            await #expect(throws: PostgresError.self) { try await ticks.all() }
        }
    }
}
