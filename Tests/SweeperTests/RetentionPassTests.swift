import Concurrency
import Foundation
import Observability
import Postgres
import Sweeper
import Testing
import TestSupport

@Suite("Retention")
struct RetentionPassTests {
    private func pass(
        _ pool: PostgresPool, instance: String = "one", turn: Duration = .seconds(60),
        interval: Duration = .seconds(600)
    ) -> RetentionPass {
        RetentionPass(
            store: RetentionStore(postgres: pool, instance: instance), settings: RetentionSettings(), logger: .disabled,
            pace: RetentionPace(turn: turn, quietLimit: .zero), interval: interval)
    }

    /// All tables filled; only events that were marked so are unpublished.
    private func filled(_ pool: PostgresPool, _ count: Int) async throws {
        for fixture in RetentionFixture.all { try await fixture.fill(pool, count) }
        _ = try await pool.query(
            Statement(
                "test_publish",
                """
                DELETE FROM event_outbox o USING structure_events e
                WHERE e.sequence = o.sequence AND e.type <> 'unpublished'
                """))
    }

    private func expectPruned(_ pool: PostgresPool, _ count: Int) async throws {
        for fixture in RetentionFixture.all {
            let left = try await fixture.count(pool)
            #expect(left.go == 0, "\(fixture.name)")
            #expect(left.stay == fixture.kinds.stay * count, "\(fixture.name)")
        }
    }

    @Test("Of every table goes exactly what is past its age, and it is counted")
    func everything() async throws {
        try await withMigratedPool("retention") { pool in
            let count = 700
            try await filled(pool, count)
            let pass = pass(pool)
            let counts = try await pass.run()
            for fixture in RetentionFixture.all {
                #expect(counts[fixture.name] == fixture.kinds.go * count, "\(fixture.name)")
            }
            try await expectPruned(pool, count)
            #expect(pass.pause == .seconds(600))
            // All rest now; for another instance nothing is left.
            #expect(try await pass.run().isEmpty)
            let others = try await self.pass(pool, instance: "two").run()
            #expect(others.count == RetentionFixture.all.count && others.values.allSatisfy { $0 == 0 })
        }
    }

    @Test("A table that has used its time slice yields, and is continued at once")
    func slices() async throws {
        try await withMigratedPool("retention") { pool in
            let count = 700
            try await filled(pool, count)
            let pass = pass(pool, turn: .zero)
            var runs = 0
            repeat {
                _ = try await pass.run()
                runs += 1
            } while pass.pause == .seconds(1) && runs < 1000
            #expect(runs > 3 && runs < 100, "\(runs)")
            // Until the first of them is due again.
            #expect(pass.pause > .seconds(60) && pass.pause < .seconds(600))
            try await expectPruned(pool, count)
        }
    }

    @Test("Tables that rest are gone through when their time comes, however long another takes")
    func backlog() async throws {
        try await withMigratedPool("retention") { pool in
            let activity = try #require(RetentionFixture.all.first { $0.name == "activity" })
            try await activity.fill(pool, 1000)
            let (resting, restless) = (pass(pool, turn: .zero), pass(pool, turn: .zero, interval: .zero))
            #expect(try await resting.run().count == RetentionFixture.all.count)
            #expect(try await resting.run().keys.sorted() == ["activity"])
            #expect(resting.pause == .seconds(1))
            // It keeps the others away until it has come to the end.
            #expect(try await pass(pool, instance: "two").run().isEmpty)
            for _ in 0..<2 { #expect(try await restless.run().count == RetentionFixture.all.count) }
            #expect(try await activity.count(pool).go > 0)
        }
    }

    @Test("A batch is bounded in rows, and in bytes without reading them")
    func bounds() async throws {
        try await withMigratedPool("retention") { pool in
            // A megabyte that does not compress.
            let body = String(
                (0..<1 << 20).map { _ in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".randomElement() ?? "a" }
            )
            _ = try await pool.query(
                Statement(
                    "test_large",
                    """
                    INSERT INTO a2a_queue (workspace_id, body, status, completed_at)
                    SELECT gen_random_uuid(), $1, 'completed', now() - interval '8 days' FROM generate_series(1, 20)
                    """), [body], deadline: .seconds(60))
            let store = RetentionStore(postgres: pool, instance: "one")
            let table = try #require(RetentionTable.all(RetentionSettings()).first { $0.name == "queue_items" })
            var position: [String]?
            var sizes: [Int] = []
            while sizes.reduce(0, +) < 20, sizes.count < 30 {
                let batch = try await store.prune(table, after: position, rows: 1000)
                #expect(!batch.isLast || sizes.reduce(0, +) + batch.pruned == 20)
                position = batch.position ?? position
                sizes.append(batch.pruned)
            }
            #expect((sizes.max() ?? 0) <= 8 && sizes.reduce(0, +) == 20)
            #expect(try await store.prune(table, after: nil, rows: 3).isLast)
        }
    }

    @Test("Locked rows are not waited for, and are deleted later")
    func locked() async throws {
        try await withMigratedPool("retention") { pool in
            try await filled(pool, 20)
            let tables = ["a2a_queue", "activity_logs", "delegations", "idempotent_sends", "workspace_auth_tokens"]
            try await pool.transaction(deadline: .seconds(60)) { holder in
                for table in tables {
                    _ = try await holder.query(Statement("test_hold_\(table)", "SELECT FROM \(table) FOR UPDATE"), [])
                }
                let counts = try await pass(pool).run()
                #expect(counts["queue_items"] == 0 && counts["activity"] == 0 && counts["lifecycle_jobs"] == 20)
            }
            _ = try await pass(pool).run()
            try await expectPruned(pool, 20)
        }
    }

    @Test("Of two instances one prunes; and where both do, nothing more goes")
    func two() async throws {
        try await withMigratedPool("retention") { pool in
            let count = 700
            try await filled(pool, count)
            let first = RetentionStore(postgres: pool, instance: "one")
            #expect(try await first.claim())
            let other = pass(pool, instance: "two")
            #expect(try await other.run().isEmpty)
            #expect(other.pause == RetentionStore.lease)
            // As after a pause of the process that has outlived its claim.
            let second = RetentionStore(postgres: pool, instance: "two")
            for table in RetentionTable.all(RetentionSettings()) {
                async let one = drain(table, first)
                async let two = drain(table, second)
                let fixture = RetentionFixture.all.first { $0.name == table.name }
                #expect(try await one + two == (fixture?.kinds.go ?? 0) * count, "\(table.name)")
            }
            try await expectPruned(pool, count)
        }
    }

    private func drain(_ table: RetentionTable, _ store: RetentionStore) async throws -> Int {
        var pruned = 0
        // What the other had locked was passed over, and is met from the beginning.
        for _ in 0..<200 {
            var position: [String]?
            var found = 0
            for _ in 0..<200 {
                let batch = try await store.prune(table, after: position, rows: 50)
                position = batch.position ?? position
                found += batch.pruned
                if batch.isLast { break }
            }
            pruned += found
            if found == 0 { break }
        }
        return pruned
    }

    @Test("What a killed one left goes once its claim is over")
    func killed() async throws {
        try await withMigratedPool("retention") { pool in
            let count = 100
            try await filled(pool, count)
            let killed = RetentionStore(postgres: pool, instance: "killed")
            #expect(try await killed.claim())
            let tables = RetentionTable.all(RetentionSettings())
            for table in tables.prefix(3) { _ = try await killed.prune(table, after: nil, rows: 30) }
            let other = pass(pool, instance: "other")
            #expect(try await other.run().isEmpty)
            _ = try await pool.query(
                Statement(
                    "test_age_claim",
                    "UPDATE platform_state SET updated_at = updated_at - interval '61 s' WHERE key = 'retention'"))
            #expect(try await !other.run().isEmpty)
            try await expectPruned(pool, count)
        }
    }

    @Test("Writers go on beside it, and all their rows stay")
    func writers() async throws {
        try await withMigratedPool("retention") { pool in
            let count = 2000
            try await filled(pool, count)
            let isOver = Gate()
            let write = Statement(
                "test_write",
                """
                WITH a AS (INSERT INTO structure_events (type, source) VALUES ('written', 't')),
                b AS (INSERT INTO activity_logs (workspace_id, activity_type) VALUES (md5('1')::uuid, 'a2a_send')),
                c AS (INSERT INTO delegations (source_id, target_id, task) VALUES ($1, gen_random_uuid(), 'written'))
                INSERT INTO a2a_queue (workspace_id, body) VALUES ($1, 'written')
                """)
            let finish = Statement(
                "test_finish",
                "UPDATE a2a_queue SET status = 'completed', completed_at = now() WHERE workspace_id = $1")
            try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        var written = 0
                        while !isOver.isOpen || written == 0 {
                            let id = UUID()
                            _ = try await pool.query(write, [id])
                            _ = try await pool.query(finish, [id])
                            written += 1
                        }
                        return written
                    }
                }
                defer { isOver.open() }
                _ = try await pass(pool).run()
                isOver.open()
                var written = 0
                for try await number in group { written += number }
                for (table, mark) in [
                    ("structure_events", "type = 'written'"), ("a2a_queue", "body = 'written'"),
                    ("delegations", "task = 'written'"), ("activity_logs", "summary IS NULL"),
                ] {
                    let sql = "SELECT count(*) FROM \(table) WHERE \(mark)"
                    #expect(try await pool.query(Statement("test_written_\(table)", sql))[0].int(0) == written)
                }
            }
            for fixture in RetentionFixture.all {
                #expect(try await fixture.count(pool).go == 0, "\(fixture.name)")
            }
        }
    }

    @Test("The floor of the log is the last event that went, in the log's order")
    func floor() async throws {
        try await withMigratedPool("retention") { pool in
            let add = Statement(
                "test_event",
                """
                INSERT INTO structure_events (transaction_id, type, source, created_at)
                VALUES ($1::text::xid8, 'e', 't', now() - make_interval(days => $2))
                """)
            // The sequence of the first is the lowest, its transaction the last of the old ones.
            for (transaction, days) in [(30, 20), (10, 20), (20, 20), (40, 1)] {
                _ = try await pool.query(add, [String(transaction), days])
            }
            let first = try await pool.query(Statement("test_first", "SELECT min(sequence) FROM structure_events"))[0]
                .int(0)
            _ = try await pool.query(
                Statement("test_publish_all", "DELETE FROM event_outbox WHERE sequence <> $1"), [first + 2])
            #expect(try await pass(pool).run()["events"] == 2)
            let floor = Statement("test_floor", "SELECT transaction_id::text, sequence FROM event_log_floor")
            let row = try await pool.query(floor)[0]
            #expect(row.string(0) == "30" && row.int(1) == first)
        }
    }
}
