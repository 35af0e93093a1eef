import Batching
import Contracts
import Foundation
import Observability
import PostgresClient
import RedisClient
import Synchronization

/// Remembers when each workspace was last heard of, and passes it on: to Redis at most each 5 s a workspace (what idle
/// timers in other processes read), to Postgres at most each 15 s (what the liveness sweep reads).
package final class SignsOfLife: Sendable {
    private struct Seen {
        var at: ContinuousClock.Instant
        var redis: ContinuousClock.Instant
        var postgres: ContinuousClock.Instant

        /// - Returns: to whom it is to be passed on.
        mutating func heard(_ now: ContinuousClock.Instant) -> (redis: Bool, postgres: Bool) {
            at = now
            let due = (now - redis >= SignsOfLife.redisInterval, now - postgres >= SignsOfLife.postgresInterval)
            if due.0 { redis = now }
            if due.1 { postgres = now }
            return due
        }
    }

    private static let redisInterval: Duration = .seconds(5)
    private static let postgresInterval: Duration = .seconds(15)
    /// Workspaces remembered; beyond it those not heard of for longest are forgotten.
    private static let limit = 200_000

    private let seen = Mutex(AgingTable<UUID, Seen>(limit: SignsOfLife.limit))
    private let toRedis: Batcher<UUID, Void>
    private let toPostgres: Batcher<UUID, Void>

    package init(postgres: PostgresPool, redis: RedisClient, logger: Logger) {
        let store = TokenStore(postgres: postgres)
        toRedis = Batcher(limit: 1000) { workspaces in
            // Redis may be lost: what it misses costs latency, never a status.
            let now = Int64(Date().timeIntervalSince1970 * 1000)
            redis.fireAndForget(RedisKeys.noteLife(workspaces.map { ($0, now) }).map { RedisArgument($0) })
            return workspaces.map { _ in }
        }
        let unwritten = RepeatedWarning("signs of life are not written, workspaces may seem offline", logger)
        toPostgres = Batcher(limit: 1000) { workspaces in
            do {
                try await store.seen(Set(workspaces).sorted())
            } catch {
                unwritten.note([.count: .int(workspaces.count), .error: .string("\(error)")])
            }
            return workspaces.map { _ in }
        }
    }

    /// Notes that an authenticated request of the workspace, which exists, came in.
    package func record(_ workspace: UUID) {
        let now = ContinuousClock.now
        let due = seen.withLock { seen -> (redis: Bool, postgres: Bool) in
            if let due = seen.updateYoung(workspace, { $0.heard(now) }) { return due }
            let never = now - .seconds(3600)
            var entry = seen[workspace] ?? Seen(at: now, redis: never, postgres: never)
            let due = entry.heard(now)
            seen[workspace] = entry
            return due
        }
        if due.redis { toRedis.add(workspace) }
        if due.postgres { toPostgres.add(workspace) }
    }

    /// How long ago this process last heard of the workspace; `nil` when it never did.
    package func age(of workspace: UUID) -> Duration? {
        seen.withLock { $0[workspace] }.map { ContinuousClock.now - $0.at }
    }
}
