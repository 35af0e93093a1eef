import Foundation
import Observability
import Postgres
import UVLoop

/// Lets one instance at a time do what takes long: a pass over an engine's containers, the refresh of an image.
///
/// No advisory lock: it would hold a transaction, and its connection, for as long. Whoever lost its lease goes on to its
/// end all the same: what it does is conditional on what it finds, and idempotent.
package struct LeaseStore: Sendable {
    /// Seconds; also how long others wait for an instance that died.
    private static let length = 30.0

    private let postgres: PostgresPool
    private let instance: String
    private let loop: EventLoop
    private let logger: Logger

    package init(postgres: PostgresPool, instance: String, loop: EventLoop, logger: Logger) {
        self.postgres = postgres
        self.instance = instance
        self.loop = loop
        self.logger = logger
    }

    private static let take = Statement(
        "sweep_lease_take",
        """
        INSERT INTO sweep_leases AS l (name, owner, lease_until) VALUES ($1, $2, now() + make_interval(secs => $3))
        ON CONFLICT (name) DO UPDATE SET owner = $2, lease_until = now() + make_interval(secs => $3)
        WHERE l.owner = $2 OR l.lease_until < now()
        RETURNING name
        """)

    private static let release = Statement(
        "sweep_lease_release", "DELETE FROM sweep_leases WHERE name = $1 AND owner = $2")

    /// Does something under a lease.
    ///
    /// - Returns: `nil` when somebody else is at it.
    package func holding<Value: Sendable>(
        _ name: String, _ body: () async throws -> Value
    ) async throws -> Value? {
        // Two of one process exclude each other, too.
        let owner = "\(instance)/\(UUID())"
        guard try await take(name, owner) else { return nil }
        let keeper = Task(executorPreference: loop) { await keep(name, owner) }
        let result: Result<Value, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        keeper.cancel()
        await keeper.value
        await giveBack(name, owner)
        return try result.get()
    }

    private func take(_ name: String, _ owner: String) async throws(PostgresError) -> Bool {
        try await !postgres.query(Self.take, [name, owner, Self.length]).isEmpty
    }

    private func keep(_ name: String, _ owner: String) async {
        while (try? await loop.sleep(for: .seconds(Self.length / 3))) != nil {
            do {
                guard try await take(name, owner) else { return }
            } catch {
                logger.debug("sweep lease not extended", [.name: .string(name), .error: .error(error)])
            }
        }
    }

    /// In a task of its own: the caller's may be cancelled, and with it every call.
    private func giveBack(_ name: String, _ owner: String) async {
        await Task(executorPreference: loop) {
            do {
                _ = try await postgres.query(Self.release, [name, owner])
            } catch {
                logger.debug("sweep lease runs out by itself", [.name: .string(name), .error: .error(error)])
            }
        }.value
    }
}
