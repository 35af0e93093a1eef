import Postgres
import UVLoop

/// Runs a test with a pool on a database of its own that has the whole schema.
///
/// - Parameter name: the beginning of the database's name.
package func withMigratedPool<Value: Sendable>(
    _ name: String, configuration: PostgresConfiguration = .unhurried, _ body: (PostgresPool) async throws -> Value
) async throws -> Value {
    let group = EventLoopGroup(count: 2)
    defer { group.shutdown() }
    let pool = PostgresPool(
        url: try await SharedServers.postgres().makeMigratedDatabase(name), group: group,
        configuration: configuration)
    let result: Result<Value, any Error>
    do { result = .success(try await body(pool)) } catch { result = .failure(error) }
    await pool.close()
    return try result.get()
}
