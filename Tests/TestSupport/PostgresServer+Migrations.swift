import Foundation
import Postgres
import SchemaMigrations
import UVLoop

extension PostgresServer {
    /// The folder with the migrations of this package.
    package static var migrationsFolder: String {
        URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("Migrations").path
    }

    /// Makes a database with the whole schema and a unique name; returns its URL.
    ///
    /// The migrations run once a server, into a template that is then copied.
    package func makeMigratedDatabase(_ name: String = "test") async throws -> String {
        try await makeDatabase(name, template: migratedTemplate.get())
    }

    func makeTemplate() async throws -> String {
        let name = "switchyard_template"
        try await sql("CREATE DATABASE \(name)")
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        var configuration = PostgresConfiguration.unhurried
        configuration.connectionsPerLoop = 1
        let pool = PostgresPool(url: url(database: name), group: group, configuration: configuration)
        _ = try await Migrator(Migration.all(in: Self.migrationsFolder), pool: pool).up()
        await pool.close()
        return name
    }
}
