import Batching
import Contracts
import EventOutbox
import Foundation
import JSONBytes
import Observability
import PlatformInternals
import Redis
import ServiceHost
import UVLoop

/// The hottest path of the platform: beats are committed in batches, acknowledged after the commit, then published: one
/// Redis command and one broker message for each commit.
struct HeartbeatIngest: Sendable {
    /// Rows of one statement; larger batches gain nothing and hold their locks longer.
    private static let batchLimit = 500

    /// The deadline and the interval of retries for a beat whose rows are locked.
    private static let lockTimeout: Duration = .seconds(3)
    private static let lockRetryInterval: Duration = .milliseconds(250)

    private let loops: EventLoopGroup
    private let batcher: Batcher<Heartbeat, HeartbeatOutcome>
    /// Retries beats whose rows were locked, which delay only each other. One flush at a time, so that none is written
    /// while a newer one is.
    private let retries: Batcher<LockedHeartbeat, HeartbeatOutcome>
    private let line: LockedHeartbeatTracker

    private struct LockedHeartbeat {
        let beat: Heartbeat
        let turn: Int
    }

    init(_ context: ServiceContext) {
        let store = HeartbeatStore(postgres: context.postgres)
        let publishFailures = RepeatedWarning(
            "heartbeats are stored, but not published: the broker or Redis is unavailable", context.logger)
        let size = context.metrics.histogram(
            "switchyard_heartbeat_batch_size", "Heartbeats of one commit.", bounds: Histogram.sizeBounds)
        let loops = context.loops
        self.loops = loops
        let line = LockedHeartbeatTracker()
        self.line = line
        let pacing = BatchPacing(executor: { loops.any() }, overlapsOnlyWhenFull: true) {
            // Coalescing delay, far below the 5 ms that a beat may wait for its flush.
            try? await loops.any().sleep(for: .milliseconds(1))
        }
        batcher = Batcher(limit: Self.batchLimit, concurrency: 2, key: { $0.workspace }, pacing: pacing) { beats in
            let turn = line.nextTurn()
            let order = line.free(beats).sorted { Self.precedes(beats[$0].workspace, beats[$1].workspace) }
            var sorted: [HeartbeatOutcome] = []
            for slice in order.map({ beats[$0] }).sliced(by: { $0.weight }, upTo: Limits.heartbeatBatch) {
                let written = try await store.write(Array(slice), source: context.source)
                size.observe(Double(slice.count))
                Self.publish(Array(slice), written, context, publishFailures)
                sorted += written
            }
            // Beats behind an older one that is locked count as locked as well.
            var outcomes = beats.map { _ in HeartbeatOutcome(verdict: .locked, turn: turn) }
            for (position, index) in order.enumerated() {
                outcomes[index] = sorted[position]
                outcomes[index].turn = turn
            }
            // The last step, since nothing may fail after it: the caller that gets a locked beat's outcome releases it.
            line.settle(beats, outcomes, turn: turn)
            return outcomes
        }
        retries = Batcher(limit: Self.batchLimit, key: { $0.beat.workspace }) { beats in
            // A newer beat was written: the older one counts as written before it.
            var outcomes = beats.map { _ in HeartbeatOutcome(verdict: .accepted) }
            let order = beats.indices.filter { !line.isOvertaken(beats[$0].beat.workspace, turn: beats[$0].turn) }
            for slice in order.sliced(by: { beats[$0].beat.weight }, upTo: Limits.heartbeatBatch) {
                let slicedBeats = slice.map { beats[$0].beat }
                let written = try await store.writeFree(slicedBeats, source: context.source)
                for (index, outcome) in zip(slice, written) {
                    outcomes[index] = outcome
                    guard outcome.verdict == .accepted else { continue }
                    line.accept(beats[index].beat.workspace, turn: beats[index].turn)
                }
                Self.publish(slicedBeats, written, context, publishFailures)
            }
            return outcomes
        }
    }

    /// Returns when the beat is committed, or its rows have been locked for seconds; meanwhile it does not delay other
    /// beats.
    func accept(_ beat: Heartbeat) async throws -> HeartbeatOutcome {
        let outcome = try await batcher.submit(beat)
        guard outcome.verdict == .locked else { return outcome }
        return try await retry(LockedHeartbeat(beat: beat, turn: outcome.turn))
    }

    private func retry(_ locked: LockedHeartbeat) async throws -> HeartbeatOutcome {
        defer { line.release(locked.beat.workspace) }
        let deadline = ContinuousClock.now + Self.lockTimeout
        var outcome = HeartbeatOutcome(verdict: .locked)
        while outcome.verdict == .locked, ContinuousClock.now < deadline {
            try await loops.any().sleep(for: Self.lockRetryInterval)
            outcome = try await retries.submit(locked)
        }
        return outcome
    }

    private static func precedes(_ left: UUID, _ right: UUID) -> Bool {
        withUnsafeBytes(of: left.uuid) { left in
            withUnsafeBytes(of: right.uuid) { right in left.lexicographicallyPrecedes(right) }
        }
    }

    private static func publish(
        _ beats: [Heartbeat], _ outcomes: [HeartbeatOutcome], _ context: ServiceContext,
        _ publishFailures: RepeatedWarning
    ) {
        let accepted = zip(beats, outcomes).filter { $0.1.verdict == .accepted }
        guard !accepted.isEmpty else { return }
        context.relay.committed(accepted.compactMap(\.1.event))
        let isPublished = context.broadcast.send(
            .heartbeatReceived, accepted.map { ($0.0.workspace, received($0.0, $0.1)) })
        if !isPublished || !context.redis.isReady {
            // Without these messages proxies and idle timers consider the agents silent.
            publishFailures.log([
                .count: .int(accepted.count), .custom("broker"): .bool(isPublished),
                .custom("redis"): .bool(context.redis.isReady),
            ])
        }
        let changed = accepted.filter(\.1.taskChanged)
        context.broadcast.send(.taskUpdated, changed.map { ($0.0.workspace, updated($0.0)) })
        let overridden = accepted.filter(\.1.overridesChanged).map(\.0.workspace)
        context.broadcast.send(.runtimeUpdated, overridden.map { ($0, RawJSON(unchecked: Array("{}".utf8))) })
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        context.redis.fireAndForget(
            RedisKeys.recordLiveness(accepted.map { ($0.0.workspace, now) }).map { RedisArgument($0) })
    }

    private static func received(_ beat: Heartbeat, _ outcome: HeartbeatOutcome) -> RawJSON {
        var writer = JSONWriter(reservingCapacity: 112)
        writer.object { writer in
            writer.member("active_tasks", beat.activeTasks)
            writer.member("uptime_seconds", beat.uptimeSeconds)
            writer.member("max_concurrent_tasks", outcome.maxConcurrentTasks)
            writer.member("has_capacity", beat.activeTasks < outcome.maxConcurrentTasks)
        }
        return RawJSON(unchecked: writer.bytes)
    }

    private static func updated(_ beat: Heartbeat) -> RawJSON {
        var writer = JSONWriter(reservingCapacity: 64 + beat.currentTask.utf8.count)
        writer.object { writer in
            writer.member("current_task", beat.currentTask)
            writer.member("active_tasks", beat.activeTasks)
        }
        return RawJSON(unchecked: writer.bytes)
    }
}
