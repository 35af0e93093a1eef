import Foundation
import Postgres
import SchemaMigrations
import Testing
import TestSupport
import UVLoop

@Suite("Migrations") struct MigratorTests {
    private static let steps = [
        Migration(
            version: 1, name: "first", up: "CREATE TABLE a(x int); INSERT INTO a VALUES (1);", down: "DROP TABLE a"),
        Migration(version: 2, name: "second", up: "ALTER TABLE a ADD y text", down: "ALTER TABLE a DROP y"),
    ]

    private static let tables = Statement(
        "tables", "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename = $1")

    @Test("Up applies once, down reverts in reverse") func upAndDown() async throws {
        try await withPool { (pool) async throws in
            let migrator = Migrator(Self.steps, pool: pool)
            #expect(try await migrator.up().map(\.version) == [1, 2])
            #expect(try await migrator.up().isEmpty)
            #expect(try await migrator.applied().map(\.name) == ["first", "second"])
            #expect(try await migrator.down().map(\.version) == [2])
            #expect(try await migrator.pending().map(\.version) == [2])
            #expect(try await migrator.down(5).map(\.version) == [1])
            #expect(try await pool.query(Self.tables, ["a"])[0].int(0) == 0)
            #expect(try await migrator.up().count == 2)
        }
    }

    @Test("A migration that fails leaves nothing of itself") func failing() async throws {
        try await withPool { (pool) async throws in
            let bad = Migration(version: 3, name: "bad", up: "CREATE TABLE b(x int); SELECT 1/0", down: nil)
            let migrator = Migrator(Self.steps + [bad], pool: pool)
            let error = await #expect(throws: MigrationError.self) { try await migrator.up() }
            #expect(error?.description.contains("0003_bad.up.sql") == true)
            #expect(try await migrator.applied().map(\.version) == [1, 2])
            #expect(try await pool.query(Self.tables, ["b"])[0].int(0) == 0)
        }
    }

    @Test("A file changed after it was applied is an error that says what to do") func changed() async throws {
        try await withPool { (pool) async throws in
            _ = try await Migrator(Self.steps, pool: pool).up()
            let edited = Migration(version: 1, name: "first", up: "CREATE TABLE a(x bigint)", down: "DROP TABLE a")
            let error = await #expect(throws: MigrationError.self) {
                try await Migrator([edited, Self.steps[1]], pool: pool).up()
            }
            #expect(error?.description.contains("Restore the file") == true)
        }
    }

    @Test("Many migrators at once apply each migration once") func concurrent() async throws {
        let url = try await SharedServers.postgres().makeDatabase("race")
        let steps =
            Self.steps
            + (3...12).map {
                Migration(
                    version: $0, name: "step\($0)", up: "CREATE TABLE s\($0)(x int); SELECT pg_sleep(0.01)", down: nil)
            }
        let applied = try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<5 {
                group.addTask { try await withPool(url: url) { try await Migrator(steps, pool: $0).up().count } }
            }
            return try await group.reduce(0, +)
        }
        #expect(applied == steps.count)
    }

    @Test("The package's own schema goes up, down and up again") func ownSchema() async throws {
        let migrations = try Migration.all(in: PostgresServer.migrationsFolder)
        try await withPool { (pool) async throws in
            let migrator = Migrator(migrations, pool: pool)
            #expect(try await migrator.up().count == migrations.count)
            #expect(try await migrator.down(migrations.count).count == migrations.count)
            let left = try await pool.query(
                Statement("left", "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
            #expect(try left.map { $0.string(0) } == ["schema_migrations"])
            #expect(try await migrator.up().count == migrations.count)
        }
    }

    @Test("Messages of several senders with one id outlive the key over both") func senders() async throws {
        let migrations = try Migration.all(in: PostgresServer.migrationsFolder)
        try await withPool { (pool) async throws in
            let migrator = Migrator(migrations, pool: pool)
            _ = try await migrator.up()
            _ = try await pool.query(
                Statement(
                    "test_senders",
                    """
                    INSERT INTO a2a_queue (workspace_id, caller_id, operator_key, body, idempotency_key)
                    SELECT '00000000-0000-4000-8000-000000000001'::uuid, caller, key, '{}', 'm'
                    FROM (VALUES (gen_random_uuid(), NULL), (gen_random_uuid(), NULL), (NULL, NULL), (NULL, 'org'))
                      AS sender (caller, key)
                    """))
            let count = Statement("test_kept", "SELECT count(*), count(idempotency_key) FROM a2a_queue")
            for isReverted in [true, false] {
                if isReverted {
                    _ = try await migrator.down(migrations.count { $0.version >= 18 })
                } else {
                    _ = try await migrator.up()
                }
                let row = try await pool.query(count)[0]
                #expect(row.int(0) == 4 && row.int(1) == 1)
            }
        }
    }

    @Test("The tool applies, lists and reverts") func tool() async throws {
        let server = try await SharedServers.postgres()
        let url = try await server.makeDatabase("tool")
        let tool = try ServiceProcess.executable("migrate")
        let environment = ["DATABASE_URL": url, "MIGRATIONS_DIR": PostgresServer.migrationsFolder]
        #expect(try await Leash.run([tool, "up"], environment: environment).contains("applied  0001_"))
        #expect(try await Leash.run([tool, "up"], environment: environment) == "nothing to apply\n")
        #expect(try await Leash.run([tool, "down", "2"], environment: environment).split(separator: "\n").count == 2)
        #expect(try await Leash.run([tool, "status"], environment: environment).contains("missing"))
        await #expect(throws: ProcessFailure.self) {
            try await Leash.run([tool, "sideways"], environment: environment)
        }
        await #expect(throws: ProcessFailure.self) { try await Leash.run([tool, "up"]) }
    }

    @Test("A migrated database is a copy with the whole schema") func template() async throws {
        let server = try await SharedServers.postgres()
        async let first = server.makeMigratedDatabase()
        async let second = server.makeMigratedDatabase()
        let urls = try await [first, second]
        #expect(Set(urls).count == 2)
        try await withPool(url: urls[0]) { (pool) async throws in
            #expect(try await pool.query(Self.tables, ["workspaces"])[0].int(0) == 1)
        }
    }
}
