import Batching
import Contracts
import Foundation
import Observability
import PlatformInternals
import Postgres
import Redis
import Synchronization

/// Tracks when each workspace was last active, and writes it per workspace at most every 5 s to Redis (for the idle
/// time-outs in other processes) and at most every 15 s to Postgres (for the liveness sweep).
package final class LivenessTracker: Sendable {
    private struct Activity {
        var at: ContinuousClock.Instant
        var redis: ContinuousClock.Instant
        var postgres: ContinuousClock.Instant

        /// - Returns: where it is due to be written.
        mutating func update(_ now: ContinuousClock.Instant) -> (redis: Bool, postgres: Bool) {
            at = now
            let due = (now - redis >= LivenessTracker.redisInterval, now - postgres >= LivenessTracker.postgresInterval)
            if due.0 { redis = now }
            if due.1 { postgres = now }
            return due
        }
    }

    private static let redisInterval: Duration = .seconds(5)
    private static let postgresInterval: Duration = .seconds(15)
    /// Workspaces tracked; beyond it the least recently active are evicted.
    private static let limit = 200_000

    private let seen = Mutex(GenerationalCache<UUID, Activity>(limit: LivenessTracker.limit))
    private let toRedis: Batcher<UUID, Void>
    private let toPostgres: Batcher<UUID, Void>

    package init(postgres: PostgresPool, redis: RedisClient, logger: Logger) {
        let store = TokenStore(postgres: postgres)
        toRedis = Batcher(limit: 1000) { workspaces in
            // Redis is best effort: a missing write costs latency, never a wrong status.
            let now = Int64(Date().timeIntervalSince1970 * 1000)
            redis.fireAndForget(RedisKeys.recordLiveness(workspaces.map { ($0, now) }).map { RedisArgument($0) })
            return workspaces.map { _ in }
        }
        let writeFailures = RepeatedWarning("liveness is not written, workspaces may seem offline", logger)
        toPostgres = Batcher(limit: 1000) { workspaces in
            do {
                try await store.seen(Set(workspaces).sorted())
            } catch {
                writeFailures.log([.count: .int(workspaces.count), .error: .string("\(error)")])
            }
            return workspaces.map { _ in }
        }
    }

    /// Records an authenticated request of a workspace, which must exist.
    package func record(_ workspace: UUID) {
        let now = ContinuousClock.now
        let due = seen.withLock { seen -> (redis: Bool, postgres: Bool) in
            if let due = seen.updateYoung(workspace, { $0.update(now) }) { return due }
            let never = now - .seconds(3600)
            var entry = seen[workspace] ?? Activity(at: now, redis: never, postgres: never)
            let due = entry.update(now)
            seen[workspace] = entry
            return due
        }
        if due.redis { toRedis.add(workspace) }
        if due.postgres { toPostgres.add(workspace) }
    }

    /// The time since the last activity of the workspace that this process saw; `nil` when it saw none.
    package func age(of workspace: UUID) -> Duration? {
        seen.withLock { $0[workspace] }.map { ContinuousClock.now - $0.at }
    }
}
