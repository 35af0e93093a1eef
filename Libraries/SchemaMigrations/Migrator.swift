import Foundation
import Observability
import Postgres

/// Applies and reverts migrations. Any number may run at once: an advisory lock lets one work at a time, and each
/// re-reads the applied migrations once it holds the lock.
package struct Migrator: Sendable {
    /// Of the advisory lock: the first eight bytes of "switchyard migrations".
    private static let lockKey = 0x7377_6974_6368_7961
    private static let table = """
        CREATE TABLE IF NOT EXISTS schema_migrations (
            version    integer PRIMARY KEY,
            name       text NOT NULL,
            checksum   text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        )
        """

    private let pool: PostgresPool
    private let migrations: [Migration]
    private let logger: Logger
    private let deadline: Duration

    /// - Parameter deadline: for each migration, with the wait for other migrators.
    package init(
        _ migrations: [Migration], pool: PostgresPool, logger: Logger = .disabled, deadline: Duration = .seconds(600)
    ) {
        self.migrations = migrations
        self.pool = pool
        self.logger = logger
        self.deadline = deadline
    }

    /// A migration that the database has.
    package struct Applied: Sendable, Hashable {
        package let version: Int
        package let name: String
        package let checksum: String
        package let at: Date
    }

    /// Applies everything that is missing, in order, each in a transaction of its own.
    ///
    /// - Returns: what was applied by this call.
    package func up() async throws -> [Migration] {
        var done: [Migration] = []
        while let migration = try await applyNext() { done.append(migration) }
        return done
    }

    /// Reverts the latest migrations, in reverse.
    ///
    /// - Returns: what was reverted.
    package func down(_ count: Int = 1) async throws -> [Migration] {
        var done: [Migration] = []
        while done.count < count, let migration = try await revertLatest() { done.append(migration) }
        return done
    }

    /// What is applied, in order.
    package func applied() async throws -> [Applied] {
        try await locked { try await read($0) }
    }

    /// What is not applied yet, in order.
    package func pending() async throws -> [Migration] {
        let versions = Set(try await applied().map(\.version))
        return migrations.filter { !versions.contains($0.version) }
    }

    private func applyNext() async throws -> Migration? {
        try await locked { session in
            let applied = try await read(session)
            try check(applied)
            let versions = Set(applied.map(\.version))
            guard let next = migrations.first(where: { !versions.contains($0.version) }) else { return nil }
            try await run(next.up, of: next.fileName, session)
            try await session.simple(
                """
                INSERT INTO schema_migrations (version, name, checksum)
                VALUES (\(next.version), '\(next.name)', '\(next.checksum)')
                """)
            logger.info("applied a migration", [.name: .string(next.fileName)])
            return next
        }
    }

    private func revertLatest() async throws -> Migration? {
        try await locked { session in
            guard let latest = try await read(session).last else { return nil }
            guard let migration = migrations.first(where: { $0.version == latest.version }), let down = migration.down
            else { throw MigrationError("there is no .down.sql for \(latest.version) (\(latest.name))") }
            try await run(down, of: migration.fileName.replacing(".up.", with: ".down."), session)
            try await session.simple("DELETE FROM schema_migrations WHERE version = \(latest.version)")
            logger.info("reverted a migration", [.name: .string(migration.fileName)])
            return migration
        }
    }

    /// Runs a closure in a transaction that holds the lock; the session is closed, and so rolled back, when it throws.
    private func locked<T: Sendable>(_ body: @Sendable (Session) async throws -> T) async throws -> T {
        try await pool.withSession(deadline: deadline) { session in
            // The limit on waiting for tables, so that a migration never queues all traffic up behind itself, comes
            // after the wait for other migrators, which may take long.
            try await session.simple(
                "BEGIN; SELECT pg_advisory_xact_lock(\(Self.lockKey)); SET LOCAL lock_timeout = '5s'")
            try await session.simple(Self.table)
            let value = try await body(session)
            try await session.simple("COMMIT")
            return value
        }
    }

    private func read(_ session: Session) async throws -> [Applied] {
        let rows = try await session.simple(
            "SELECT version, name, checksum, applied_at FROM schema_migrations ORDER BY version")
        return try rows.last?.map {
            Applied(version: $0.int(0), name: $0.string(1), checksum: $0.string(2), at: $0.date(3))
        } ?? []
    }

    /// A file that changed after it was applied means that databases differ from each other: migrating stops.
    private func check(_ applied: [Applied]) throws {
        for migration in migrations {
            guard let old = applied.first(where: { $0.version == migration.version }) else { continue }
            guard old.checksum != migration.checksum else { continue }
            throw MigrationError(
                """
                \(migration.fileName) was changed after it had been applied: its checksum is \(migration.checksum), \
                the applied one was \(old.checksum). Restore the file and put the change into a new migration; if the \
                database may be emptied, revert down to this version and apply again.
                """)
        }
        for old in applied where !migrations.contains(where: { $0.version == old.version }) {
            logger.warning(
                "the database has a migration that is unknown here",
                [.name: .string(old.name), .version: .int(old.version)])
        }
    }

    private func run(_ sql: String, of file: String, _ session: Session) async throws {
        do {
            try await session.simple(sql)
        } catch {
            throw describe(error, file)
        }
    }

    /// Server errors concern the file's text: its author needs the message and the file name.
    private func describe(_ error: PostgresError, _ file: String) -> any Error {
        guard error.kind == .server else { return error }
        return MigrationError("\(file): \(error.message) (SQLSTATE \(error.sqlState ?? "unknown"))")
    }
}
