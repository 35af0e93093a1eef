import EventLoop
import Foundation
import Observability
import PostgresClient
import ServiceLifecycle

/// Keeps the drain's leases and its clock, and winds it up at a shutdown: calls get the grace to end, what is left is
/// handed back.
package struct DrainService: GracefulService {
    private static let tick: Duration = .seconds(1)
    /// Items whose time came in the last few ticks; a tick that was missed is made up by the next.
    private static let dueWindow: Duration = .seconds(5)
    /// Every so many ticks the queue is searched for what no wake-up told of.
    private static let ticksPerSearch = 5
    /// Every so many ticks the database is told who takes part in calls that go on: less than the shortest idle time after
    /// which a workspace is sent to sleep, a minute.
    private static let ticksPerNote = 20
    /// Between tries to extend leases while the database is away.
    private static let leaseRetry: Duration = .milliseconds(500)
    private static let leaseTick: Duration = .milliseconds(250)
    private static let shutdownPause: Duration = .milliseconds(20)

    package let name = "drain"
    let drain: Drain
    let courier: Courier
    let store: QueueStore
    let contexts: WaitingContexts
    let writer: ActivityWriter
    let recorder: CallRecorder
    let calls: CallsInFlight
    let waker: Waker
    let loops: EventLoopGroup
    let instance: String
    let settings: A2AProxySettings
    let metrics: ProxyMetrics
    let logger: Logger

    package init(
        drain: Drain, courier: Courier, store: QueueStore, contexts: WaitingContexts, writer: ActivityWriter,
        recorder: CallRecorder, calls: CallsInFlight, waker: Waker, loops: EventLoopGroup, instance: String,
        settings: A2AProxySettings, metrics: ProxyMetrics,
        logger: Logger
    ) {
        self.drain = drain
        self.courier = courier
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
        let guardian = Task(executorPreference: loop) { await endOverdueCalls(loop) }
        await shutdown.wait()
        clock.cancel()
        drain.stop()
        await finishCalls(loop)
        leases.cancel()
        guardian.cancel()
        await handBack()
        await flushActivity(loop)
    }

    // MARK: - While running

    private func ticks(_ loop: EventLoop) async {
        // Instances that started together should not search together.
        var count = Int.random(in: 0..<Self.ticksPerSearch)
        while (try? await loop.sleep(for: Self.tick)) != nil {
            count += 1
            if count % Self.ticksPerNote == 0 { recorder.note(calls.underWay) }
            do {
                drain.wake(try await store.due(within: Self.dueWindow), because: .hint)
                if count % Self.ticksPerSearch == 0 { try await makeUp() }
            } catch {
                logger.debug("queue not searched", [.error: .error(error)])
            }
        }
    }

    /// Thinks of the workspaces that nobody else did.
    private func makeUp() async throws {
        try await contexts.refresh()
        let missed = try await store.missed(busyPause: settings.rules.retryDelay.initial * 0.8)
        drain.wake(missed.ready, because: .work)
        for workspace in missed.asleep { await waker.wakeOrWarn(workspace, logger) }
    }

    private func keepLeases(_ loop: EventLoop) async {
        var pause = settings.lease / 3
        while (try? await loop.sleep(for: pause)) != nil {
            pause = settings.lease / 3
            let held = courier.flights.leases
            guard !held.isEmpty else { continue }
            let start = ContinuousClock.now
            do {
                let kept = try await store.extend(held, owner: instance, by: settings.lease)
                courier.flights.extended(kept, until: start + settings.lease)
                lose(held.filter { !kept.contains($0.item) && courier.flights.isCalling($0) })
            } catch {
                logger.warning("leases not extended", [.count: .int(held.count), .error: .error(error)])
                pause = min(pause, Self.leaseRetry)
            }
        }
    }

    /// Ends calls whose lease could not be extended in time: from then on another instance may make them, and the
    /// agent must not be called twice at once. In a task of its own, since an extension may wait for the database.
    private func endOverdueCalls(_ loop: EventLoop) async {
        while (try? await loop.sleep(for: Self.leaseTick)) != nil {
            lose(courier.flights.calling(withLeaseUntil: .now + Self.leaseTick))
        }
    }

    private func lose(_ leases: [Lease]) {
        for lease in leases {
            metrics.leasesLost.increment()
            logger.warning("lease lost", [.queueID: .uuid(lease.item)])
            courier.flights.lose(lease)
        }
    }

    // MARK: - At the end

    /// Returns when no claim and no call is left, or when the grace is over.
    private func finishCalls(_ loop: EventLoop) async {
        while drain.isRunning || courier.flights.count > 0, !Task.isCancelled {
            if (try? await loop.sleep(for: Self.shutdownPause)) == nil { return }
        }
    }

    private func handBack() async {
        let leases = courier.flights.abandonAll()
        guard !leases.isEmpty else { return }
        logger.info("handing queue items back", [.count: .int(leases.count)])
        // In a task of its own: this one may be cancelled already, and with it every call it makes.
        let store = store
        let logger = logger
        await Task {
            do {
                try await store.handBack(leases)
            } catch {
                logger.warning("queue items not handed back; their leases will run out", [.error: .error(error)])
            }
        }.value
    }

    private func flushActivity(_ loop: EventLoop) async {
        while !writer.isIdle, (try? await loop.sleep(for: Self.shutdownPause)) != nil {}
    }
}
