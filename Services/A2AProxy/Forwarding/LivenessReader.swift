import Authentication
import Contracts
import Foundation
import PlatformInternals
import Postgres
import Redis

/// Reads a workspace's liveness: its last activity, whichever instance recorded it.
///
/// Used only when a call's idle timer has fired, so that it may cost a round trip to each store.
package struct LivenessReader: Sendable {
    private let tracker: LivenessTracker
    private let redis: RedisClient
    private let store: TargetStore

    package init(tracker: LivenessTracker, redis: RedisClient, store: TargetStore) {
        self.tracker = tracker
        self.redis = redis
        self.store = store
    }

    /// The time since the workspace's last recorded activity; nil when there is none.
    ///
    /// The minimum of three sources: this process, Redis, which is written at most every 5 s for a workspace and may be
    /// unavailable, and the database, which has every heartbeat.
    ///
    /// - Throws: when the database could not be queried and the other sources have no recent activity: that is not
    ///   silence.
    package func silence(of workspace: UUID, below limit: Duration) async throws(PostgresError) -> Duration? {
        var least = tracker.age(of: workspace)
        if let least, least < limit { return least }
        if let reported = await redisSilence(of: workspace) {
            least = min(least ?? reported, reported)
            if reported < limit { return least }
        }
        if let stored = try await store.silence(of: workspace) { least = min(least ?? stored, stored) }
        return least
    }

    private func redisSilence(of workspace: UUID) async -> Duration? {
        let command = RedisKeys.readLiveness([workspace]).map { RedisArgument($0) }
        guard let reply = try? await redis.send(command), let score = reply.array?.first,
            let milliseconds = score.text.flatMap(Double.init)
        else { return nil }
        return .milliseconds(max(0, Date().timeIntervalSince1970 * 1000 - milliseconds))
    }
}
