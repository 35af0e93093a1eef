import Contracts
import EventLoop
import EventOutbox
import Foundation
import Observability
import ServiceHost
import ServiceLifecycle

/// Something that the scheduler does again and again, with its entry in `/admin/liveness`.
struct PeriodicWork: GracefulService {
    let name: String
    let interval: Duration
    let loop: EventLoop
    let ticks: TickStore
    let logger: Logger
    let work: @Sendable () async throws -> [String: Int]

    func run(until shutdown: ShutdownSignal) async throws {
        try await PeriodicService(name, every: interval, on: loop, runOnce).run(until: shutdown)
    }

    private func runOnce() async throws {
        let start = ContinuousClock.now
        do {
            let counts = try await work()
            await ticks.note(name, duration: ContinuousClock.now - start, counts: counts)
        } catch {
            if Task.isCancelled { return }
            logger.warning("periodic work failed", [.name: .string(name), .error: .error(error)])
            throw error
        }
    }
}

/// Records how runs ended.
package struct Recording: Sendable {
    let store: OutcomeStore
    let relay: EventRelay
    let broadcast: EventBroadcast
    let metrics: SchedulerMetrics

    package init(store: OutcomeStore, relay: EventRelay, broadcast: EventBroadcast, metrics: SchedulerMetrics) {
        self.store = store
        self.relay = relay
        self.broadcast = broadcast
        self.metrics = metrics
    }

    /// Until none is left that nobody else is recording.
    package func recordEnded() async throws -> [String: Int] {
        var count = 0
        while !Task.isCancelled {
            let recorded = try await store.recordEnded()
            relay.committed(recorded.events)
            broadcast.tell(of: recorded.records)
            for record in recorded.records { metrics.outcomes.labelled(record.status.rawValue).increment() }
            count += recorded.count
            if recorded.count < OutcomeStore.batch { break }
        }
        return ["recorded": count]
    }
}

/// Frees workspaces that are counted busy and have long stopped saying so.
package struct PhantomSearch: Sendable {
    /// Seconds without a change of what a workspace works on.
    package static let age: Double = 600

    let store: PhantomStore
    let metrics: SchedulerMetrics
    let logger: Logger

    package init(store: PhantomStore, metrics: SchedulerMetrics, logger: Logger) {
        self.store = store
        self.metrics = metrics
        self.logger = logger
    }

    package func reset() async throws -> [String: Int] {
        let freed = try await store.reset(olderThan: Self.age)
        for (workspace, tasks) in freed {
            metrics.phantoms.increment()
            logger.warning(
                "workspace was counted busy without a change for ten minutes, freed",
                [.workspaceID: .uuid(workspace), .count: .int(tasks)])
        }
        return ["freed": freed.count]
    }
}
