import A2AProxy
import Contracts
import EventOutbox
import Foundation
import Postgres
import ServiceHost
import Testing

/// Cancelling, expiring and retrying all that a filter selects.
extension FleetQueueTests {
    /// All that a change does, piece by piece.
    private func run(
        _ change: QueueChange, _ filter: FleetQueueFilter, _ store: FleetQueueStore, piece: Int = FleetQueueStore.piece
    ) async throws -> (changed: Int, events: [CommittedEvent], pieces: Int) {
        var (changed, events, pieces) = (0, [CommittedEvent](), 0)
        var cursor: ListCursor?
        repeat {
            let done = try await store.change(change, filter, after: cursor, limit: piece)
            changed += done.changed
            events += done.events
            pieces += 1
            cursor = done.next
        } while cursor != nil
        return (changed, events, pieces)
    }

    @Test func cancellingDoesAllThatDroppingOneDoes() async throws {
        try await QueueFixture.with { fixture in
            let store = FleetQueueStore(queue: fixture.queue)
            let (source, target) = (try await fixture.workspace(), try await fixture.workspace())
            var delegation = NewDelegation(source: source, target: target, task: "x", body: "{}")
            delegation.id = UUID()
            _ = try await fixture.delegations.create(delegation)
            try await insert(fixture, target, 1203, Self.waiting)
            try await insert(fixture, target, 3, Self.failed)
            let other = try await fixture.item(source, "other")
            let wanted = filter { $0.target = target }
            #expect(try await store.count(wanted, for: .cancel) == 1204)
            let done = try await run(.cancel, wanted, store)
            #expect(done.changed == 1204)
            #expect(done.pieces == 3)
            #expect(done.events.count { $0.event.type == "a2a.dropped" } == 1204)
            #expect(done.events.count { $0.event.type == "delegation.failed" } == 1)
            #expect(
                try await fixture.sql("SELECT status || error FROM delegations") == "failedcancelled by an operator")
            #expect(try await fixture.status(other) == "queued")
            #expect(try await fixture.sql("SELECT count(*) FROM a2a_queue WHERE status = 'failed'") == "3")
            #expect(try await store.count(wanted, for: .cancel) == 0)
        }
    }

    @Test func expiringSaysWhatTheSweeperSays() async throws {
        try await QueueFixture.with { fixture in
            let store = FleetQueueStore(queue: fixture.queue)
            let workspace = try await fixture.workspace()
            let item = try await fixture.item(workspace, "a")
            let run = try await fixture.item(workspace, "b")
            try await fixture.sql(
                "UPDATE a2a_queue SET schedule_id = gen_random_uuid(), last_error = 'busy' WHERE id = '\(run)'")
            let done = try await self.run(.expire, filter { $0.ids = [item, run] }, store)
            #expect(done.changed == 2)
            #expect(try await store.item(item)?.attemptsLog?.map(\.kind) == [.enqueued, .expired])
            #expect(try await store.item(item)?.item.lastError == "expired")
            #expect(try await store.item(run)?.item.lastError == "busy")
            #expect(try await store.item(run)?.attemptsLog?.last?.kind == .expired)
        }
    }

    @Test func retryingTakesWhatCanBeTriedAndOneOfTheSameMessage() async throws {
        try await QueueFixture.with { fixture in
            let store = FleetQueueStore(queue: fixture.queue)
            let (target, removed) = (try await fixture.workspace(), try await fixture.workspace())
            try await insert(fixture, target, 5, Self.failed)
            try await insert(fixture, removed, 2, Self.failed)
            try await fixture.sql("UPDATE workspaces SET status = 'removed' WHERE id = '\(removed)'")
            // Two of the same message, one whose like waits, one of a delegation that its source has ended.
            for key in ["twin", "twin", "waits"] {
                let item = try await fixture.item(target, key)
                try await fixture.sql(
                    "UPDATE a2a_queue SET status = 'failed', completed_at = now() WHERE id = '\(item)'")
            }
            _ = try await fixture.item(target, "waits")
            var ended = NewDelegation(source: removed, target: target, task: "x", body: "{}")
            ended.id = UUID()
            var failed = ended
            failed.id = UUID()
            for delegation in [ended, failed] { _ = try await fixture.delegations.create(delegation) }
            try await fixture.sql(
                """
                WITH d AS (UPDATE delegations SET status = 'failed', ended_by_source = id = '\(ended.id)' RETURNING id)
                UPDATE a2a_queue q SET status = 'failed', completed_at = now() FROM d WHERE q.delegation_id = d.id
                """)
            let all = filter { $0.states = [.failed] }
            #expect(try await store.count(all, for: .retry) == 8)
            let done = try await run(.retry, all, store)
            #expect(done.changed == 7)
            #expect(done.events.map(\.event.type) == ["delegation.status"])
            #expect(try await store.count(all, for: .retry) == 0)
            #expect(
                try await fixture.sql("SELECT status FROM delegations WHERE id = '\(failed.id)'") == "queued")
            #expect(try await fixture.sql("SELECT count(*) FROM a2a_queue WHERE status = 'queued'") == "8")
            let logged = try await fixture.sql(
                "SELECT count(*) FROM a2a_queue WHERE attempts_log->0->>'kind' = 'retried' AND attempts = 0")
            #expect(logged == "7")
        }
    }

    @Test func whatFailsInTheMidstOfAPieceHidesNothingThatWasDone() async throws {
        try await QueueFixture.with { fixture in
            let store = FleetQueueStore(queue: fixture.queue)
            let target = try await fixture.workspace()
            try await insert(fixture, target, 3, Self.failed)
            // Two of the same message have each tried by itself; the newest of all cannot be.
            for key in ["twin", "twin", "poison"] {
                let item = try await fixture.item(target, key)
                try await fixture.sql(
                    "UPDATE a2a_queue SET status = 'failed', completed_at = now() WHERE id = '\(item)'")
            }
            try await fixture.sql(
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$
                """)
            // At the end of its transaction, so that the two of the same message fail first.
            try await fixture.sql(
                """
                CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON a2a_queue DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
                WHEN (NEW.idempotency_key = 'poison') EXECUTE FUNCTION refuse()
                """)
            let done = try await store.change(.retry, filter { $0.target = target }, after: nil, limit: 100)
            #expect(done.changed == 4 && done.woken.count == 4)
            #expect((done.failure as? PostgresError)?.kind == .server && done.next == nil)
            #expect(try await fixture.sql("SELECT count(*) FROM a2a_queue WHERE status = 'queued'") == "4")
        }
    }

    @Test func lockedItemsAreLeftAndNotWaitedFor() async throws {
        try await QueueFixture.with { fixture in
            let store = FleetQueueStore(queue: fixture.queue)
            let workspace = try await fixture.workspace()
            let held = try await fixture.item(workspace, "held")
            _ = try await fixture.item(workspace, "other")
            let wanted = filter { $0.target = workspace }
            try await fixture.postgres.transaction { transaction in
                _ = try await transaction.query(
                    Statement("test_hold", "SELECT FROM a2a_queue WHERE id = $1 FOR UPDATE"), [held])
                #expect(try await run(.cancel, wanted, store).changed == 1)
            }
            #expect(try await store.count(wanted, for: .cancel) == 1)
        }
    }

    /// Two operators cancel and retry everything while the drain claims and finishes: each item ends once.
    @Test func twoChangesRaceWithTheDrain() async throws {
        try await QueueFixture.with { fixture in
            let store = FleetQueueStore(queue: fixture.queue)
            let workspace = try await fixture.workspace(capacity: 1000)
            try await insert(fixture, workspace, 3000, Self.waiting)
            let wanted = filter { $0.target = workspace }
            let (cancelled, delivered) = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
                for _ in 0..<2 {
                    group.addTask { (try await run(.cancel, wanted, store, piece: 50).changed, 0) }
                }
                group.addTask {
                    var delivered = 0
                    while true {
                        let items = try await fixture.claim(
                            [workspace], within: ClaimBounds(itemsEach: 40, bytes: 1 << 30))
                        if items.isEmpty { return (0, delivered) }
                        for item in items where try await fixture.finish(item, .ok()) { delivered += 1 }
                    }
                }
                return try await group.reduce((0, 0)) { ($0.0 + $1.0, $0.1 + $1.1) }
            }
            // What was held when both came by is left, and goes with the next call.
            let rest = try await run(.cancel, wanted, store).changed
            #expect(cancelled + delivered + rest == 3000)
            #expect(cancelled > 0 && delivered > 0)
            let counts = try await fixture.sql(
                """
                SELECT count(*) FILTER (WHERE status = 'dropped') || ' ' || count(*) FILTER (WHERE status = 'completed')
                FROM a2a_queue
                """)
            #expect(counts == "\(cancelled + rest) \(delivered)")
            let eventCounts = try await fixture.sql(
                "SELECT count(*) || ' ' || count(DISTINCT data->>'queue_id') FROM structure_events WHERE type = 'a2a.dropped'"
            )
            #expect(eventCounts == "\(cancelled + rest) \(cancelled + rest)")
            #expect(
                try await fixture.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
                    == "0")
        }
    }
}
