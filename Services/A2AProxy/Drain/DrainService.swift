import Foundation
import Observability
import Postgres
import ServiceLifecycle
import UVLoop

/// Runs the drain's periodic work and renews its leases. At a shutdown calls get the grace period to end, and the
/// leases that are left are handed back.
package struct DrainService: GracefulService {
    private static let tick: Duration = .seconds(1)
    /// The window of items that became due recently, longer than a tick, so that a missed tick is covered by the next.
    private static let dueWindow: Duration = .seconds(5)
    /// The number of ticks between searches of the queue for items without a wake-up.
    private static let ticksPerSearch = 5
    /// The number of ticks between recordings of the parties of calls in flight: less than the shortest idle time
    /// before hibernation, one minute.
    private static let ticksPerNote = 20
    /// The retry interval of lease extensions while the database is unavailable.
    private static let leaseRetry: Duration = .milliseconds(500)
    private static let leaseTick: Duration = .milliseconds(250)
    private static let shutdownPause: Duration = .milliseconds(20)

    package let name = "drain"
    let drain: Drain
    let deliverer: QueueDeliverer
    let store: QueueStore
    let contexts: QueuedContextIndex
    let writer: ActivityWriter
    let recorder: CallRecorder
    let calls: CallsInFlight
    let waker: WorkspaceWaker
    let loops: EventLoopGroup
    let instance: String
    let settings: A2AProxySettings
    let metrics: ProxyMetrics
    let logger: Logger

    package init(
        drain: Drain, deliverer: QueueDeliverer, store: QueueStore, contexts: QueuedContextIndex,
        writer: ActivityWriter,
        recorder: CallRecorder, calls: CallsInFlight, waker: WorkspaceWaker, loops: EventLoopGroup, instance: String,
        settings: A2AProxySettings, metrics: ProxyMetrics,
        logger: Logger
    ) {
        self.drain = drain
        self.deliverer = deliverer
        self.store = store
        self.contexts = contexts
        self.writer = writer
        self.recorder = recorder
        self.calls = calls
        self.waker = waker
        self.loops = loops
        self.instance = instance
        self.settings = settings
        self.metrics = metrics
        self.logger = logger
    }

    package func run(until shutdown: ShutdownSignal) async throws {
        let loop = loops.next()
        let clock = Task(executorPreference: loop) { await ticks(loop) }
        let leases = Task(executorPreference: loop) { await keepLeases(loop) }
        let overdueWatch = Task(executorPreference: loop) { await endOverdueCalls(loop) }
        await shutdown.wait()
        clock.cancel()
        drain.stop()
        await finishCalls(loop)
        leases.cancel()
        overdueWatch.cancel()
        await handBack()
        await flushActivity(loop)
    }

    // MARK: - While running

    private func ticks(_ loop: EventLoop) async {
        // Jitter: instances that started together should not search together.
        var count = Int.random(in: 0..<Self.ticksPerSearch)
        while (try? await loop.sleep(for: Self.tick)) != nil {
            count += 1
            if count % Self.ticksPerNote == 0 { recorder.note(calls.activeParties) }
            do {
                drain.wake(try await store.due(within: Self.dueWindow), because: .hint)
                if count % Self.ticksPerSearch == 0 { try await reconcile() }
            } catch {
                logger.debug("queue not searched", [.error: .error(error)])
            }
        }
    }

    /// Drains the queues of workspaces whose wake-ups were missed.
    private func reconcile() async throws {
        try await contexts.refresh()
        let unnotified = try await store.unnotified(busyPause: settings.rules.retryDelay.initial * 0.8)
        drain.wake(unnotified.ready, because: .work)
        for workspace in unnotified.asleep { await waker.wakeOrWarn(workspace, logger) }
    }

    private func keepLeases(_ loop: EventLoop) async {
        var pause = settings.lease / 3
        while (try? await loop.sleep(for: pause)) != nil {
            pause = settings.lease / 3
            let current = deliverer.inFlight.leases
            guard !current.isEmpty else { continue }
            let start = ContinuousClock.now
            do {
                let extended = try await store.extend(current, owner: instance, by: settings.lease)
                deliverer.inFlight.extended(extended, until: start + settings.lease)
                cancelLost(current.filter { !extended.contains($0.item) && deliverer.inFlight.isCalling($0) })
            } catch {
                logger.warning("leases not extended", [.count: .int(current.count), .error: .error(error)])
                pause = min(pause, Self.leaseRetry)
            }
        }
    }

    /// Cancels calls whose lease could not be extended in time: from then on another instance may make them, and the
    /// agent must not be called twice at once. In a separate task, since an extension may wait for the database.
    private func endOverdueCalls(_ loop: EventLoop) async {
        while (try? await loop.sleep(for: Self.leaseTick)) != nil {
            cancelLost(deliverer.inFlight.calling(withLeaseUntil: .now + Self.leaseTick))
        }
    }

    private func cancelLost(_ leases: [ItemLease]) {
        for lease in leases {
            metrics.leasesLost.increment()
            logger.warning("lease lost", [.queueID: .uuid(lease.item)])
            deliverer.inFlight.leaseLost(lease)
        }
    }

    // MARK: - At the end

    /// Returns when no claim and no call is left, or when the grace period is over.
    private func finishCalls(_ loop: EventLoop) async {
        while drain.isRunning || deliverer.inFlight.count > 0, !Task.isCancelled {
            if (try? await loop.sleep(for: Self.shutdownPause)) == nil { return }
        }
    }

    private func handBack() async {
        let leases = deliverer.inFlight.abandonAll()
        guard !leases.isEmpty else { return }
        logger.info("handing queue items back", [.count: .int(leases.count)])
        // In a separate task: this one may be cancelled already, and with it every query that it makes.
        let store = store
        let logger = logger
        await Task {
            do {
                try await store.handBack(leases)
            } catch {
                logger.warning("queue items not handed back; their leases will expire", [.error: .error(error)])
            }
        }.value
    }

    private func flushActivity(_ loop: EventLoop) async {
        while !writer.isIdle, (try? await loop.sleep(for: Self.shutdownPause)) != nil {}
    }
}
