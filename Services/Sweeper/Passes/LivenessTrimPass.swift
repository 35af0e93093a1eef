import Contracts
import Foundation
import RedisClient

/// Forgets old signs of life in Redis: of workspaces that are silent, removed or purged. Whoever misses one there asks
/// the database, which has them all.
package struct LivenessTrimPass: SweepPass {
    /// Seconds. An idle timer that is longer finds what it needs in the database.
    private static let age: TimeInterval = 3600

    package let name = "liveness-trim"
    package let interval: Duration = .seconds(60)
    private let redis: RedisClient

    package init(redis: RedisClient) {
        self.redis = redis
    }

    package func run() async throws -> [String: Int] {
        // While Redis is away, what is old becomes older.
        guard redis.isReady else { return [:] }
        let oldest = Int64((Date().timeIntervalSince1970 - Self.age) * 1000)
        let reply = try await redis.send(RedisKeys.trimLife(before: oldest).map { RedisArgument($0) })
        return ["forgotten": reply.integer.map { Int($0) } ?? 0]
    }
}
