import EventLoop
import EventOutbox
import Foundation
import Observability
import PostgresClient
import Synchronization

/// Takes items out of the queue when there may be room for them, and has them delivered.
///
/// Whatever makes room or work wakes it with the workspaces concerned. Wakes that come while a claim runs share the
/// next one, so that the database sees few claims, each for many workspaces.
package final class Drain: Sendable {
    /// Why a workspace may have room.
    package enum Cause: Sendable {
        /// Something happened to its items in this process.
        case work
        /// Perhaps nothing waits, or nothing may go: look before claiming. A heartbeat is one.
        case hint
    }

    private struct Wake {
        var mayBeEmpty = true
        let at = ContinuousClock.now
    }

    private struct State {
        var wakes: [UUID: Wake] = [:]
        var order: [UUID] = []
        var isRunning = false
        var isStopped = false
    }

    /// Workspaces of one claim.
    private static let claimLimit = 200
    private static let pauseAfterError: Duration = .milliseconds(500)

    private let state = Mutex(State())
    private let store: QueueStore
    private let courier: Courier
    private let relay: EventRelay
    private let loops: EventLoopGroup
    private let instance: String
    private let settings: A2AProxySettings
    private let metrics: ProxyMetrics
    private let logger: Logger

    package init(
        store: QueueStore, courier: Courier, relay: EventRelay, loops: EventLoopGroup, instance: String,
        settings: A2AProxySettings, metrics: ProxyMetrics, logger: Logger
    ) {
        self.store = store
        self.courier = courier
        self.relay = relay
        self.loops = loops
        self.instance = instance
        self.settings = settings
        self.metrics = metrics
        self.logger = logger
    }

    /// Looks into the queues of workspaces, now or together with others in a moment.
    package func wake(_ workspaces: some Sequence<UUID>, because cause: Cause) {
        let isFirst = state.withLock { state in
            for id in workspaces {
                if state.wakes[id] == nil { state.order.append(id) }
                var wake = state.wakes[id] ?? Wake()
                if cause == .work { wake.mayBeEmpty = false }
                state.wakes[id] = wake
            }
            guard !state.isStopped, !state.isRunning, !state.order.isEmpty else { return false }
            state.isRunning = true
            return true
        }
        if isFirst { loops.any().spawn { await self.run() } }
    }

    /// Claims nothing more; a claim that is under way still brings what it got.
    package func stop() {
        state.withLock { $0.isStopped = true }
    }

    /// Whether a claim is under way.
    package var isRunning: Bool { state.withLock { $0.isRunning } }

    /// Some workspaces to claim for, and how much may be claimed.
    private struct Round {
        let batch: [UUID: Wake]
        let items: Int
        let bytes: Int
    }

    private func run() async {
        while let round = next() {
            let batch = round.batch
            do {
                try await claim(round)
            } catch {
                logger.warning("queue not claimed", [.count: .int(batch.count), .error: .error(error)])
                putBack(batch)
                try? await loops.any().sleep(for: Self.pauseAfterError)
            }
        }
    }

    /// No more workspaces than items may be claimed: each of them may get one then.
    private func next() -> Round? {
        state.withLock { state in
            // Under the lock, so that a delivery which ends now is either seen here or starts the next run.
            let (items, bytes) = courier.room
            guard !state.order.isEmpty, !state.isStopped, items > 0, bytes > 0 else {
                state.isRunning = false
                return nil
            }
            let taken = state.order.prefix(min(Self.claimLimit, items))
            state.order.removeFirst(taken.count)
            let batch = taken.reduce(into: [:]) { batch, id in batch[id] = state.wakes.removeValue(forKey: id) }
            return Round(batch: batch, items: items, bytes: bytes)
        }
    }

    private func putBack(_ batch: [UUID: Wake]) {
        state.withLock { state in
            for (id, wake) in batch where state.wakes[id] == nil {
                state.wakes[id] = wake
                state.order.append(id)
            }
        }
    }

    private func claim(_ round: Round) async throws {
        let batch = round.batch
        let doubtful = batch.filter(\.value.mayBeEmpty).map(\.key)
        let busyPause = settings.rules.retryDelay.initial * 0.8
        let filled = doubtful.isEmpty ? [] : try await store.claimable(doubtful, busyPause: busyPause)
        let wanted = batch.filter { !$0.value.mayBeEmpty }.map(\.key) + filled
        guard !wanted.isEmpty else { return }
        let bounds = ClaimBounds(itemsEach: round.items / wanted.count, bytes: round.bytes)
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
            courier.deliver(item, claimedAt: claimedAt, on: loops.next()) {
                self.wake([item.workspace], because: .work)
            }
        }
    }
}
