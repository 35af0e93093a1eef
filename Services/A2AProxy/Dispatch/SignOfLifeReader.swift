import Authentication
import Contracts
import Foundation
import PostgresClient
import RedisClient

/// Finds out when a workspace last gave a sign of life, wherever in the fleet of services it arrived.
///
/// Asked only when a call's idle timer has fired, so that it may cost a round trip to each store.
package struct SignOfLifeReader: Sendable {
    private let signs: SignsOfLife
    private let redis: RedisClient
    private let store: TargetStore

    package init(signs: SignsOfLife, redis: RedisClient, store: TargetStore) {
        self.signs = signs
        self.redis = redis
        self.store = store
    }

    /// How long the workspace has been silent as far as anyone knows; nil when nobody ever heard of it.
    ///
    /// Redis is written at most every 5 s a workspace and may be away; the database has every heartbeat. The least of
    /// what the three say is the truth.
    ///
    /// - Throws: when the database could not be asked and nobody else knows of a sign of life: that is no silence.
    package func silence(of workspace: UUID, below limit: Duration) async throws(PostgresError) -> Duration? {
        var least = signs.age(of: workspace)
        if let least, least < limit { return least }
        if let reported = await redisSilence(of: workspace) {
            least = min(least ?? reported, reported)
            if reported < limit { return least }
        }
        if let stored = try await store.silence(of: workspace) { least = min(least ?? stored, stored) }
        return least
    }

    private func redisSilence(of workspace: UUID) async -> Duration? {
        let command = RedisKeys.readLife([workspace]).map { RedisArgument($0) }
        guard let reply = try? await redis.send(command), let score = reply.array?.first,
            let milliseconds = score.text.flatMap(Double.init)
        else { return nil }
        return .milliseconds(max(0, Date().timeIntervalSince1970 * 1000 - milliseconds))
    }
}
