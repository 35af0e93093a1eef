import Contracts
import Foundation
import PlatformInternals
import Redis

/// Trims old liveness entries in Redis: of workspaces that are silent, removed or purged. Readers fall back to the
/// database, which has all of them.
package struct LivenessTrimPass: SweepPass {
    /// Members of one command, during which Redis is blocked.
    private static let batch = 1000
    /// Commands of one run.
    private static let rounds = 1000

    package let name = "liveness-trim"
    package let interval: Duration = .seconds(60)
    private let redis: RedisClient
    private let age: Duration

    /// - Parameter age: entries older than this are removed; zero removes none.
    package init(redis: RedisClient, age: Duration) {
        self.redis = redis
        self.age = age
    }

    package func run() async throws -> [String: Int] {
        // While Redis is unavailable, trimming can wait.
        guard age > .zero, redis.isReady else { return [:] }
        let oldest = Int64(Date().timeIntervalSince1970 * 1000) - age.components.seconds * 1000
        var removed = 0
        for _ in 0..<Self.rounds {
            try Task.checkCancellation()
            guard let last = try await last(before: oldest) else { break }
            let reply = try await redis.send(RedisKeys.trimLiveness(before: last + 1).map { RedisArgument($0) })
            removed += reply.integer.map { Int($0) } ?? 0
        }
        return ["forgotten": removed]
    }

    /// The time of the last entry in a batch of the oldest; entries that are renewed meanwhile are kept.
    private func last(before oldest: Int64) async throws -> Int64? {
        for count in [Self.batch, 1] {
            let command = RedisKeys.oldestLiveness(before: oldest, number: count, fromNewest: count == 1)
            let reply = try await redis.send(command.map { RedisArgument($0) })
            // Redis writes large scores with an exponent.
            if let score = reply.array?.last?.text.flatMap({ Double($0) }) { return Int64(score) }
        }
        return nil
    }
}
