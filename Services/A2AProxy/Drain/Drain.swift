import EventOutbox
import Foundation
import Observability
import Postgres
import Synchronization
import UVLoop

/// Claims items from the queue when their targets may have capacity, and has them delivered.
///
/// New items and new capacity wake it with the workspaces concerned. Wake-ups that arrive while a claim runs are
/// coalesced into the next one, so that the database gets few claims, each for many workspaces.
package final class Drain: Sendable {
    /// Why a workspace's queue is to be drained.
    package enum Cause: Sendable {
        /// Its items were changed in this process.
        case work
        /// Perhaps nothing is claimable: query before claiming. A heartbeat is one.
        case hint
    }

    private struct PendingWake {
        var mayBeEmpty = true
        let at = ContinuousClock.now
    }

    private struct State {
        var wakes: [UUID: PendingWake] = [:]
        var order: [UUID] = []
        var isRunning = false
        var isStopped = false
    }

    /// Workspaces of one claim.
    private static let claimLimit = 200
    private static let pauseAfterError: Duration = .milliseconds(500)

    private let state = Mutex(State())
    private let store: QueueStore
    private let deliverer: QueueDeliverer
    private let relay: EventRelay
    private let loops: EventLoopGroup
    private let instance: String
    private let settings: A2AProxySettings
    private let metrics: ProxyMetrics
    private let logger: Logger

    package init(
        store: QueueStore, deliverer: QueueDeliverer, relay: EventRelay, loops: EventLoopGroup, instance: String,
        settings: A2AProxySettings, metrics: ProxyMetrics, logger: Logger
    ) {
        self.store = store
        self.deliverer = deliverer
        self.relay = relay
        self.loops = loops
        self.instance = instance
        self.settings = settings
        self.metrics = metrics
        self.logger = logger
    }

    /// Schedules a claim for workspaces, immediately or coalesced with later ones.
    package func wake(_ workspaces: some Sequence<UUID>, because cause: Cause) {
        let isFirst = state.withLock { state in
            for id in workspaces {
                if state.wakes[id] == nil { state.order.append(id) }
                var wake = state.wakes[id] ?? PendingWake()
                if cause == .work { wake.mayBeEmpty = false }
                state.wakes[id] = wake
            }
            guard !state.isStopped, !state.isRunning, !state.order.isEmpty else { return false }
            state.isRunning = true
            return true
        }
        if isFirst { loops.any().spawn { await self.run() } }
    }

    /// Stops claiming; a claim in flight is still completed.
    package func stop() {
        state.withLock { $0.isStopped = true }
    }

    /// Whether the claim loop is running.
    package var isRunning: Bool { state.withLock { $0.isRunning } }

    /// The workspaces of one claim, and its limits.
    private struct ClaimPlan {
        let batch: [UUID: PendingWake]
        let items: Int
        let bytes: Int
    }

    private func run() async {
        while let plan = next() {
            let batch = plan.batch
            do {
                try await claim(plan)
            } catch {
                logger.warning("queue not claimed", [.count: .int(batch.count), .error: .error(error)])
                putBack(batch)
                try? await loops.any().sleep(for: Self.pauseAfterError)
            }
        }
    }

    /// Takes no more workspaces than items may be claimed, so that each of them may get one.
    private func next() -> ClaimPlan? {
        state.withLock { state in
            // Under the lock, so that a delivery which ends now is either seen here or starts the next run.
            let (items, bytes) = deliverer.room
            guard !state.order.isEmpty, !state.isStopped, items > 0, bytes > 0 else {
                state.isRunning = false
                return nil
            }
            let taken = state.order.prefix(min(Self.claimLimit, items))
            state.order.removeFirst(taken.count)
            let batch = taken.reduce(into: [:]) { batch, id in batch[id] = state.wakes.removeValue(forKey: id) }
            return ClaimPlan(batch: batch, items: items, bytes: bytes)
        }
    }

    private func putBack(_ batch: [UUID: PendingWake]) {
        state.withLock { state in
            for (id, wake) in batch where state.wakes[id] == nil {
                state.wakes[id] = wake
                state.order.append(id)
            }
        }
    }

    private func claim(_ plan: ClaimPlan) async throws {
        let batch = plan.batch
        let unconfirmed = batch.filter(\.value.mayBeEmpty).map(\.key)
        let busyPause = settings.rules.retryDelay.initial * 0.8
        let confirmed = unconfirmed.isEmpty ? [] : try await store.claimable(unconfirmed, busyPause: busyPause)
        let wanted = batch.filter { !$0.value.mayBeEmpty }.map(\.key) + confirmed
        guard !wanted.isEmpty else { return }
        let bounds = ClaimBounds(itemsEach: plan.items / wanted.count, bytes: plan.bytes)
        let claimedAt = ContinuousClock.now
        let claims = try await store.claim(
            wanted, within: bounds, owner: instance, lease: settings.lease, busyPause: busyPause)
        relay.committed(claims.events)
        for error in claims.unreadable { logger.error("queue item cannot be read", [.error: .error(error)]) }
        wake(bounds.left(by: claims.items, of: wanted), because: .hint)
        guard !claims.items.isEmpty else { return }
        metrics.claimed.increment(by: claims.items.count)
        metrics.claimSize.observe(Double(claims.items.count))
        if let first = wanted.compactMap({ batch[$0]?.at }).min() {
            metrics.drainLatency.observe(ContinuousClock.now - first)
        }
        for item in claims.items {
            deliverer.deliver(item, claimedAt: claimedAt, on: loops.next()) {
                self.wake([item.workspace], because: .work)
            }
        }
    }
}
