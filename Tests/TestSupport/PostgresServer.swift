import Foundation
import Synchronization

/// A private Postgres on a port of its own, with its own data folder; anyone on loopback may connect.
package final class PostgresServer: Sendable {
    package let port: UInt16
    /// The data folder.
    package let data: String
    private let settings: [String]
    private let process = Mutex<Leash?>(nil)
    private let databases = Atomic<Int>(0)
    private let template = Mutex<Shared<String>?>(nil)

    /// The database with the whole schema that others are copied from; made at first use.
    var migratedTemplate: Shared<String> {
        template.withLock { template in
            if let template { return template }
            let new = Shared { [self] in try await makeTemplate() }
            template = new
            return new
        }
    }

    /// The maintenance database `postgres`.
    package var url: String { url(database: "postgres") }

    private init(port: UInt16, data: String, settings: [String]) {
        self.port = port
        self.data = data
        self.settings = settings
    }

    /// Makes a cluster and starts it.
    ///
    /// - Parameters:
    ///   - fsync: off by default: it survives kill -9 of the server all the same, only not of the machine.
    ///   - settings: further `name=value` server settings.
    package static func start(fsync: Bool = false, settings: [String] = []) async throws -> PostgresServer {
        let folder = try TemporaryFolder.make("postgres")
        if geteuid() == 0, let user = getpwnam("postgres") { chown(folder, user.pointee.pw_uid, user.pointee.pw_gid) }
        let data = "\(folder)/data"
        try await Leash.run(
            command("initdb", "-D", data, "-U", "switchyard", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"))
        let server = PostgresServer(
            port: try Ports.free(), data: data, settings: ["fsync=\(fsync ? "on" : "off")"] + settings)
        try await server.start()
        return server
    }

    /// Starts it again on the same port and data.
    package func start() async throws {
        let fixed = [
            "listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=500", "shared_buffers=64MB",
            "max_wal_size=2GB", "log_line_prefix=%m [%p] %d ",
        ]
        let options = (fixed + settings).flatMap { ["-c", $0] }
        let leash = try await Leash.start(
            Self.command("postgres", ["-D", data, "-p", "\(port)"] + options), directory: "/")
        process.withLock { $0 = leash }
        try await eventually(within: .seconds(60), "Postgres to be ready", detail: { leash.outputTail }) {
            guard leash.isRunning else { throw ProcessFailure("Postgres ended: \(leash.outputTail)") }
            return leash.output.contains("database system is ready to accept connections")
        }
    }

    /// Ends the postmaster and every backend with SIGKILL.
    package func kill() async { await process.withLock { $0 }?.kill() }

    /// A fast shutdown: sessions are cut, everything is written.
    package func stop() async { await process.withLock { $0 }?.terminate(with: SIGINT) }

    /// Stops accepting and responding without closing connections, until ``resume()``.
    package func pause() { signalAll(SIGSTOP) }

    /// Lets it go on after ``pause()``.
    package func resume() { signalAll(SIGCONT) }

    /// The URL of one of its databases.
    package func url(database: String) -> String { "postgres://switchyard@127.0.0.1:\(port)/\(database)" }

    /// Makes a database with a unique name and returns its URL.
    ///
    /// - Parameter template: an existing database to copy; it must have no connections.
    package func makeDatabase(_ name: String = "test", template: String? = nil) async throws -> String {
        let unique = "\(name)_\(databases.add(1, ordering: .relaxed).newValue)"
        try await sql("CREATE DATABASE \"\(unique)\"" + (template.map { " TEMPLATE \"\($0)\"" } ?? ""))
        return url(database: unique)
    }

    /// Runs a statement with `psql`, independent of the client under test; returns unaligned rows.
    @discardableResult
    package func sql(_ statement: String, database: String = "postgres") async throws -> String {
        let command = [
            Self.binary("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", url(database: database), "-c",
            statement,
        ]
        return try await Leash.run(command).trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// What the server wrote about deadlocks in a database: who waited for whom, and with which statements.
    package func deadlockReports(database: String) -> String {
        let entries = process.withLock { $0 }?.output.components(separatedBy: " \(database) ") ?? []
        return zip(entries, entries.dropFirst()).filter { $0.0.hasPrefix("ERROR:  deadlock detected") }
            .map { String($0.1.prefix(4000)) }.joined(separator: "\n")
    }

    private func signalAll(_ number: Int32) {
        guard let leash = process.withLock({ $0 }), leash.isRunning else { return }
        for pid in [leash.processID] + ProcessTree.descendants(of: leash.processID) { Foundation.kill(pid, number) }
    }

    /// Postgres refuses to run as root: root becomes its user first.
    private static func command(_ name: String, _ arguments: [String]) -> [String] {
        let user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
        return (geteuid() == 0 ? user : []) + [binary(name)] + arguments
    }

    private static func command(_ name: String, _ arguments: String...) -> [String] { command(name, arguments) }

    /// Debian keeps the server's programs out of the path, in one folder a version.
    private static func binary(_ name: String) -> String {
        let base = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: base)) ?? []).compactMap { Int($0) }
        let found = versions.sorted(by: >).map { "\(base)/\($0)/bin/\(name)" }
        return found.first { FileManager.default.isExecutableFile(atPath: $0) } ?? name
    }
}
