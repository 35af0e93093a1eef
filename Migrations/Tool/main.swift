import Foundation
import Observability
import Postgres
import SchemaMigrations
import UVLoop

/// What the tool was asked to do.
enum Command {
    case up
    case down(Int)
    case status
    case help

    init?(_ arguments: [String]) {
        switch (arguments.first, arguments.count) {
        case ("up", 1): self = .up
        case ("down", 1): self = .down(1)
        case ("down", 2):
            guard let count = Int(arguments[1]), count > 0 else { return nil }
            self = .down(count)
        case ("status", 1): self = .status
        case ("--help", 1), ("help", 1), ("-h", 1): self = .help
        default: return nil
        }
    }

    static let usage = """
        usage: migrate up           apply everything that is missing
               migrate down [n]     revert the latest n migrations (1)
               migrate status       list what is applied and what is missing
               migrate --help       this text

        DATABASE_URL     the database (required)
        MIGRATIONS_DIR   where the NNNN_name.up.sql and .down.sql files are (./Migrations)

        """
}

/// Runs the command and prints what it did.
func run(_ command: Command, _ migrator: Migrator) async throws {
    switch command {
    case .up:
        let done = try await migrator.up()
        for migration in done { print("applied  \(migration.fileName)") }
        if done.isEmpty { print("nothing to apply") }
    case .down(let count):
        let done = try await migrator.down(count)
        for migration in done { print("reverted \(migration.fileName)") }
        if done.isEmpty { print("nothing to revert") }
    case .status:
        for migration in try await migrator.applied() {
            print("applied  \(migration.version)  \(migration.name)  \(migration.at.formatted(.iso8601))")
        }
        for migration in try await migrator.pending() { print("missing  \(migration.version)  \(migration.name)") }
    case .help: break
    }
}

/// Ends with 0 when all went well, 1 when it did not, 2 when it was called in a wrong way.
func main() async -> Int32 {
    func complain(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }
    let environment = ProcessInfo.processInfo.environment
    guard let command = Command(Array(CommandLine.arguments.dropFirst())) else {
        complain(Command.usage)
        return 2
    }
    if case .help = command {
        print(Command.usage, terminator: "")
        return 0
    }
    guard let url = environment["DATABASE_URL"], !url.isEmpty else {
        complain("migrate: DATABASE_URL is not set, for instance postgres://user@host:5432/switchyard")
        return 2
    }
    var configuration = PostgresConfiguration(connectionsPerLoop: 1, applicationName: "switchyard-migrate")
    // A database that is just starting is waited for.
    configuration.unavailableAfter = .seconds(15)
    let group = EventLoopGroup(count: 1)
    let pool = PostgresPool(url: url, group: group, configuration: configuration)
    var code: Int32 = 0
    do {
        let migrations = try Migration.all(in: environment["MIGRATIONS_DIR"] ?? "./Migrations")
        try await run(command, Migrator(migrations, pool: pool))
    } catch {
        complain("migrate: \(error)")
        code = 1
    }
    await pool.close()
    group.shutdown()
    return code
}

exit(await main())
