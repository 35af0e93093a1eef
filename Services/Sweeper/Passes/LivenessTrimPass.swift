import Contracts
import Foundation
import RedisClient

/// Forgets old signs of life in Redis: of workspaces that are silent, removed or purged. Whoever misses one there asks
/// the database, which has them all.
package struct LivenessTrimPass: SweepPass {
    /// Members of one command: Redis does nothing else meanwhile.
    private static let batch = 1000
    /// Commands of one run.
    private static let rounds = 1000

    package let name = "liveness-trim"
    package let interval: Duration = .seconds(60)
    private let redis: RedisClient
    private let age: Duration

    /// - Parameter age: of a sign that is forgotten; zero forgets none.
    package init(redis: RedisClient, age: Duration) {
        self.redis = redis
        self.age = age
    }

    package func run() async throws -> [String: Int] {
        // While Redis is away, what is old becomes older.
        guard age > .zero, redis.isReady else { return [:] }
        let oldest = Int64(Date().timeIntervalSince1970 * 1000) - age.components.seconds * 1000
        var forgotten = 0
        for _ in 0..<Self.rounds {
            try Task.checkCancellation()
            guard let last = try await last(before: oldest) else { break }
            let reply = try await redis.send(RedisKeys.trimLife(before: last + 1).map { RedisArgument($0) })
            forgotten += reply.integer.map { Int($0) } ?? 0
        }
        return ["forgotten": forgotten]
    }

    /// The sign that ends a batch of the oldest: what is newer meanwhile stays, whoever it is of.
    private func last(before oldest: Int64) async throws -> Int64? {
        for count in [Self.batch, 1] {
            let command = RedisKeys.oldestLife(before: oldest, number: count, fromNewest: count == 1)
            let reply = try await redis.send(command.map { RedisArgument($0) })
            // A score is written as a number, with an exponent where it is a large one.
            if let score = reply.array?.last?.text.flatMap({ Double($0) }) { return Int64(score) }
        }
        return nil
    }
}
