import Foundation
import Postgres
import Synchronization
import TestSupport
import UVLoop

/// Loops that all tests of this target share; they end with the process.
let loops = EventLoopGroup(count: 2)

extension PostgresConfiguration {
    /// For tests that are not about time: many run at once, on a machine that has other things to do.
    static let longDeadlines = longDeadlines(connections: 1)

    static func longDeadlines(connections: Int, exclusive: Int = 2) -> PostgresConfiguration {
        var configuration = PostgresConfiguration(
            connectionsPerLoop: connections, exclusiveConnectionsPerLoop: exclusive)
        configuration.unavailableAfter = .seconds(30)
        configuration.connectTimeout = .seconds(20)
        configuration.deadline = .seconds(60)
        configuration.transactionDeadline = .seconds(60)
        return configuration
    }
}

/// Runs a test with a pool on a database of its own, and closes the pool afterwards.
func withPool<T>(
    _ configuration: PostgresConfiguration = .longDeadlines, url: String? = nil,
    _ body: (PostgresPool) async throws -> T
) async throws -> T {
    let address = if let url { url } else { try await SharedServers.postgres().makeDatabase("pool") }
    let pool = PostgresPool(url: address, group: loops, configuration: configuration)
    do {
        let value = try await body(pool)
        await pool.close()
        return value
    } catch {
        await pool.close()
        throw error
    }
}

extension PostgresPool {
    /// Runs one or more statements without parameters, separated by semicolons.
    func simple(_ sql: String) async throws {
        try await withSession(deadline: .seconds(30)) { _ = try await $0.simple(sql) }
    }
}

/// Runs something that must fail with an error of the client, and returns that.
func postgresError(_ body: () async throws -> Void) async throws -> PostgresError {
    do {
        try await body()
    } catch let error as PostgresError {
        return error
    }
    throw TimedOut("no error was thrown")
}

/// A set of numbers that several tasks add to.
final class Ledger: Sendable {
    private let numbers = Mutex<Set<Int>>([])

    func add(_ number: Int) { numbers.withLock { _ = $0.insert(number) } }
    var all: Set<Int> { numbers.withLock { $0 } }
    var count: Int { numbers.withLock { $0.count } }
}

/// Resident memory of this process in bytes.
func residentBytes() -> Int {
    let fields = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ") ?? []
    return fields.count > 1 ? (Int(fields[1]) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE))) : 0
}
