import A2AProxy
import Contracts
import EventOutbox
import Foundation
import JSONBytes
import Postgres
import ServiceHost
import Testing
import TestSupport
import UVHTTPServer

/// The queue of the fleet, listed by filter, and what is logged of an item.
@Suite struct FleetQueueTests {
    func filter(_ change: (inout FleetQueueFilter) -> Void) -> FleetQueueFilter {
        var filter = FleetQueueFilter()
        change(&filter)
        return filter
    }

    func insert(_ fixture: QueueFixture, _ workspace: UUID, _ count: Int, _ columns: String = "") async throws {
        try await fixture.sql(
            """
            INSERT INTO a2a_queue (workspace_id, body, enqueued_at, status, attempts, refusals, completed_at, last_error)
            SELECT '\(workspace)', '{}', now() - n * interval '1 second', \(columns)
            FROM generate_series(1, \(count)) AS n
            """)
    }

    static let waiting = "'queued', 0, 0, NULL, NULL"
    static let failed = "'failed', 5, 0, now(), 'boom'"

    @Test func statesAreDistinguishedAndPagesGoOnWhereTheLastEnded() async throws {
        try await QueueFixture.with { fixture in
            let store = FleetQueueStore(queue: fixture.queue)
            let workspace = try await fixture.workspace()
            for (columns, count) in [
                (Self.waiting, 7), ("'queued', 1, 0, NULL, 'x'", 3), ("'queued', 0, 2, NULL, 'y'", 2), (Self.failed, 4),
                ("'completed', 0, 0, now(), NULL", 5), ("'dropped', 0, 0, now(), 'expired'", 1),
            ] { try await insert(fixture, workspace, count, columns) }
            for (state, count) in [
                (QueueState.waiting, 7), (.retrying, 5), (.running, 0), (.delivered, 5), (.failed, 4), (.dropped, 1),
            ] {
                let page = try await store.page(filter { $0.states = [state] }, before: nil, limit: 100)
                #expect(page.total == count, "\(state)")
                #expect(page.items.allSatisfy { $0.state == state })
                #expect(page.items.count == count)
            }
            var (seen, cursor) = ([FleetQueueItem](), ListCursor?.none)
            repeat {
                let page = try await store.page(FleetQueueFilter(), before: cursor, limit: 5)
                #expect((page.total, page.totalIsExact) == (22, true))
                seen += page.items
                cursor = page.nextCursor.flatMap(ListCursor.init)
            } while cursor != nil
            #expect(seen.count == 22)
            #expect(Set(seen.map(\.item.queueID)).count == 22)
            #expect(seen.map(\.item.enqueuedAt) == seen.map(\.item.enqueuedAt).sorted(by: >))
        }
    }

    @Test func eachFilterNarrowsDownAndTextIsLiteral() async throws {
        try await QueueFixture.with { fixture in
            let store = FleetQueueStore(queue: fixture.queue)
            let (first, second) = (try await fixture.workspace(), try await fixture.workspace())
            try await fixture.sql("UPDATE workspaces SET name = '100%_Sure' WHERE id = '\(first)'")
            try await fixture.sql("UPDATE workspaces SET name = '100 is Sure' WHERE id = '\(second)'")
            let item = try await fixture.item(first, "a")
            let other = try await fixture.item(second, "b")
            try await fixture.sql(
                """
                UPDATE a2a_queue SET caller_id = '\(first)', method = 'tasks/get', attempts = 2, last_error = 'No_Room',
                  enqueued_at = now() - interval '1 hour', traceparent = '00-\(String(repeating: "ab", count: 16))-1234567812345678-01'
                WHERE id = '\(other)'
                """)
            func found(_ change: (inout FleetQueueFilter) -> Void) async throws -> [UUID] {
                let page = try await store.page(filter(change), before: nil, limit: 10)
                #expect(page.total == page.items.count)
                return page.items.map(\.item.queueID)
            }
            #expect(try await found { $0.target = first } == [item])
            #expect(try await found { $0.caller = .workspace(first) } == [other])
            #expect(try await found { $0.caller = .console } == [item])
            #expect(try await found { $0.method = "tasks/get" } == [other])
            #expect(try await found { $0.olderThan = 60 } == [other])
            #expect(try await found { $0.minAttempts = 2 } == [other])
            #expect(try await found { $0.ids = [item] } == [item])
            #expect(try await found { $0.text = "0%_s" } == [item, other])  // the other's caller has that name
            #expect(try await found { $0.text = "0_is" } == [])
            #expect(try await found { $0.text = "no_r" } == [other])
            #expect(try await found { $0.text = "no%r" } == [])
            #expect(try await found { $0.text = "is sure" } == [other])
            #expect(try await found { $0.text = item.uuidString.prefix(9).description } == [item])
            #expect(try await found { $0.text = "ABABABAB" } == [other])
            let page = try await store.page(filter { $0.ids = [other] }, before: nil, limit: 10)
            let shown = try #require(page.items.first)
            #expect((shown.targetName, shown.callerName) == ("100 is Sure", "100%_Sure"))
            #expect(shown.traceID == String(repeating: "ab", count: 16))
            #expect(shown.bodyBytes == 2)
        }
    }

    @Test func moreThanTenThousandAreCountedNoFurther() async throws {
        try await QueueFixture.with { fixture in
            let store = FleetQueueStore(queue: fixture.queue)
            let workspace = try await fixture.workspace()
            try await insert(fixture, workspace, 10_000, Self.waiting)
            let exact = try await store.page(FleetQueueFilter(), before: nil, limit: 1)
            #expect((exact.total, exact.totalIsExact) == (10_000, true))
            try await insert(fixture, workspace, 1, Self.waiting)
            let more = try await store.page(FleetQueueFilter(), before: nil, limit: 1)
            #expect((more.total, more.totalIsExact) == (10_000, false))
            #expect(try await store.count(filter { $0.target = workspace }, for: .cancel) == 10_001)
        }
    }

    @Test(arguments: [("force_custom_plan", ""), ("force_generic_plan", "")])
    func eachStateIsReadFromItsIndex(_ mode: String, _ unused: String) async throws {
        try await QueueFixture.with { fixture in
            for (statement, rest) in [(FleetQueueStore.page, "NULL, NULL, 101"), (FleetQueueStore.count, "10001")] {
                let states = QueueState.allCases.map(\.rawValue).joined(separator: ",")
                let calls = [
                    "SET LOCAL plan_cache_mode = \(mode)", "SET LOCAL enable_seqscan = off",
                    "PREPARE explained AS \(statement.sql)",
                    "EXPLAIN EXECUTE explained (NULL, NULL, NULL, false, NULL, NULL, NULL, NULL, '{\(states)}', \(rest))",
                    "DEALLOCATE explained",
                ].map { Call(Statement("", $0)) }
                let results = try await fixture.postgres.transaction { session in try await session.query(calls) }
                let plan = try results[3].map { $0.string(0) }.joined(separator: "\n")
                #expect(!plan.contains("Seq Scan on a2a_queue"), "\(plan)")
                if statement.sql == FleetQueueStore.page.sql {
                    for index in ["waiting", "retrying", "history", "running"] {
                        #expect(plan.contains("a2a_queue_\(index)"), "\(index): \(plan)")
                    }
                }
            }
        }
    }

    /// Beside many of others, in the index alone.
    @Test func whatOneWorkspaceWasSentIsFoundWithoutTheRowsOfOthers() async throws {
        try await QueueFixture.with { fixture in
            let (one, other) = (try await fixture.workspace(), try await fixture.workspace())
            try await insert(fixture, other, 5000, "'completed', 0, 0, now(), NULL")
            try await insert(fixture, one, 5, "'completed', 0, 0, now(), NULL")
            try await fixture.sql("UPDATE a2a_queue SET response = repeat('r', 1000)")
            try await fixture.sql("VACUUM ANALYZE a2a_queue")
            let wanted = filter {
                $0.target = one; $0.states = [.delivered]; $0.minAttempts = 0
            }
            let values = "NULL, '\(one)', NULL, false, NULL, NULL, NULL, NULL, '{delivered}'"
            for (statement, rest) in [(FleetQueueStore.page, "NULL, NULL, 101"), (FleetQueueStore.count, "10001")] {
                let calls = [
                    // Of few and short rows the table would be read as a whole.
                    "SET LOCAL plan_cache_mode = force_custom_plan", "SET LOCAL enable_seqscan = off",
                    "PREPARE explained AS \(statement.sql)",
                    "EXPLAIN EXECUTE explained (\(values), \(rest))", "DEALLOCATE explained",
                ].map { Call(Statement("", $0)) }
                let results = try await fixture.postgres.transaction { session in try await session.query(calls) }
                let plan = try results[3].map { $0.string(0) }.joined(separator: "\n")
                #expect(plan.contains("Index Only Scan") && plan.contains("using a2a_queue_history"), "\(plan)")
            }
            let page = try await FleetQueueStore(queue: fixture.queue).page(wanted, before: nil, limit: 10)
            #expect(page.total == 5 && page.items.allSatisfy { $0.item.workspaceID == one })
        }
    }

    @Test func theLogKeepsTheNewestThirty() async throws {
        try await QueueFixture.with { fixture in
            let store = FleetQueueStore(queue: fixture.queue)
            let workspace = try await fixture.workspace()
            let item = try await fixture.item(workspace, "a")
            try await fixture.sql(
                """
                DO $$ BEGIN FOR n IN 1..40 LOOP
                  UPDATE a2a_queue SET attempts_log = a2a_queue_logged(attempts_log, 'refused', repeat('x', 200 + n * 10), 503);
                END LOOP; END $$
                """)
            #expect(try await fixture.sql("SELECT jsonb_array_length(attempts_log) FROM a2a_queue") == "30")
            let log = try #require(try await store.item(item)?.attemptsLog)
            #expect(log.count == 30)
            #expect(log.last?.error?.count == 300)
            #expect(log.first?.error?.count == 300)
        }
    }

    @Test func aFailureIsLoggedWithItsStatusAndASuccessIsNot() async throws {
        try await QueueFixture.with { fixture in
            let store = FleetQueueStore(queue: fixture.queue)
            let workspace = try await fixture.workspace()
            let item = try await fixture.item(workspace, "a")
            let claimed = try #require(try await fixture.claim([workspace]).first)
            let outcome = CallOutcome.error(500)
            let verdict = QueueRules().verdict(on: outcome, for: claimed.facts)
            var finished = FinishedItem(
                id: item, workspace: workspace, claimNumber: claimed.claimNumber, verdict: verdict)
            finished.logged = verdict.logged(after: claimed.facts, outcome)
            _ = try await fixture.queue.finish([finished])
            let found = try #require(try await store.item(item))
            #expect(found.state == .retrying)
            #expect(found.nextAttemptAt != nil)
            #expect(found.attemptsLog?.map(\.kind) == [.enqueued, .claimed, .failed])
            #expect(found.attemptsLog?.last?.status == 500)
            #expect(found.attemptsLog?.last?.error == "boom")
            try await fixture.release()
            try await fixture.beat(workspace)
            let again = try #require(try await fixture.claim([workspace]).first)
            #expect(try await fixture.finish(again, .ok()))
            #expect(try await store.item(item)?.attemptsLog?.map(\.kind) == [.enqueued, .failed, .claimed, .delivered])
        }
    }
}
