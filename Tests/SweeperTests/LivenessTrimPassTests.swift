import Contracts
import Foundation
import Observability
import PlatformInternals
import Redis
import Sweeper
import Testing
import TestSupport
import UVLoop

@Suite("Old liveness entries in Redis")
struct LivenessTrimPassTests {
    @Test("Those of a day ago are deleted, others stay")
    func trim() async throws {
        let group = EventLoopGroup(count: 1)
        let redis = try RedisClient(
            url: try await SharedServers.redis().url, group: group, logger: .disabled, metrics: MetricsRegistry())
        let running = Task { await redis.run() }
        let result: Result<Void, any Error>
        do { result = .success(try await trim(redis)) } catch { result = .failure(error) }
        running.cancel()
        await running.value
        try await onThread { group.shutdown() }
        try result.get()
    }

    private func trim(_ redis: RedisClient) async throws {
        try await eventually("Redis") { redis.isReady }
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        let (old, new) = (UUID(), UUID())
        let signs = [
            (workspace: old, milliseconds: now - 86_500_000), (workspace: new, milliseconds: now - 86_300_000),
        ]
        try await redis.send(RedisKeys.recordLiveness(signs).map { RedisArgument($0) })
        let counts = try await LivenessTrimPass(redis: redis, age: .seconds(86_400)).run()
        #expect(counts["forgotten", default: 0] >= 1)
        let kept = try await redis.send(RedisKeys.readLiveness([old, new]).map { RedisArgument($0) })
        #expect(kept.array?.map { $0 == .null } == [true, false])
    }
}
