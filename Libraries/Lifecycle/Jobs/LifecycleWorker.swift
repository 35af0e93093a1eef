import Concurrency
import EventOutbox
import Foundation
import Observability
import ServiceLifecycle
import Synchronization
import UVLoop

/// Takes up the open jobs of the whole platform, whoever asked for them; any number of instances may.
///
/// A job is leased while it is done: the lease of an instance that died runs out, and another begins anew.
package final class LifecycleWorker: GracefulService {
    /// Jobs of a sort at once: images are pulled and processes end, which takes the engine's time, not ours. Each sort has
    /// places of its own, so that no stop waits for images to arrive.
    private static let width = 16
    private static let leaseSeconds = 12.0
    /// How long a job that another service asked for waits at most.
    private static let searchInterval: Duration = .seconds(1)
    private static let drainPause: Duration = .milliseconds(20)

    package let name = "lifecycle"
    private let store: JobStore
    private let runner: JobRunner
    private let relay: EventRelay
    private let loop: EventLoop
    private let instance: String
    private let logger: Logger
    private let cancelledGrace: Duration
    private let jobs: MetricFamily<Counter>
    private let running = Mutex<[JobClaim: Running]>([:])
    private let wakeSignal = WakeSignal()

    private struct Running {
        let kind: LifecycleJob.Kind
        let task: Task<Void, Never>
    }

    /// - Parameter cancelledGrace: how long jobs that were cancelled are waited for: less than the time that a cancelled
    ///   service has.
    package init(
        store: JobStore, runner: JobRunner, relay: EventRelay, loop: EventLoop, instance: String, logger: Logger,
        metrics: MetricsRegistry, cancelledGrace: Duration = .seconds(1)
    ) {
        self.cancelledGrace = cancelledGrace
        self.store = store
        self.runner = runner
        self.relay = relay
        self.loop = loop
        self.instance = instance
        self.logger = logger
        jobs = metrics.counters(
            "switchyard_lifecycle_jobs_total", "Starts, stops and removals that were tried.",
            labels: ["kind", "outcome"])
    }

    /// There is a job: look now.
    package func wake() { wakeSignal.wake() }

    package func run(until shutdown: ShutdownSignal) async throws {
        let search = Task(executorPreference: loop) { await self.searchForEver() }
        let leases = Task(executorPreference: loop) { await self.keepLeases() }
        await withTaskCancellationHandler {
            await shutdown.wait()
            search.cancel()
            await search.value
            await finishJobs()
        } onCancel: {
            search.cancel()
        }
        leases.cancel()
        await handBack()
    }

    // MARK: - Searching

    private func searchForEver() async {
        var backoff = Backoff(initial: .seconds(1), maximum: .seconds(30))
        while !Task.isCancelled {
            var pause = Self.searchInterval
            do {
                try await takeUp()
                backoff.reset()
            } catch {
                pause = backoff.next()
                logger.debug("lifecycle jobs not searched", [.error: .error(error)])
            }
            await wakeSignal.sleep(atMost: pause, on: loop)
        }
    }

    private func takeUp() async throws {
        for kinds in [LifecycleJob.Kind.stops, LifecycleJob.Kind.starts] {
            let free = Self.width - running.withLock { $0.values.count { kinds.contains($0.kind) } }
            guard free > 0 else { continue }
            let jobs = try await store.claim(upTo: free, owner: instance, lease: Self.leaseSeconds, kinds: kinds)
            for job in jobs { begin(job) }
        }
    }

    private func begin(_ job: LifecycleJob) {
        running.withLock { running in
            let task = Task(executorPreference: loop) {
                await self.carryOut(job)
                self.running.withLock { $0[job.claim] = nil }
                // There is room, and the next job of this workspace may begin.
                self.wake()
            }
            running[job.claim] = Running(kind: job.kind, task: task)
        }
    }

    private func carryOut(_ job: LifecycleJob) async {
        do {
            let outcome = try await runner.run(job)
            // Interrupted by a shutdown, or the lease was lost: another instance begins anew.
            if Task.isCancelled { return }
            relay.committed(try await store.finish(job, outcome))
            jobs.labelled(job.kind.rawValue, outcome.label).increment()
        } catch {
            // The datastore is away. The lease runs out, and the job is done again: every one is idempotent.
            logger.warning(
                "lifecycle job not finished", [.workspaceID: .uuid(job.workspace), .error: .error(error)])
            jobs.labelled(job.kind.rawValue, "interrupted").increment()
        }
    }

    /// What is no longer ours is given up at once: two that start one workspace would replace each other's container.
    private func keepLeases() async {
        var keptAt = ContinuousClock.now
        while (try? await loop.sleep(for: .seconds(Self.leaseSeconds / 4))) != nil {
            let held = running.withLock { Array($0.keys) }
            let asked = ContinuousClock.now
            do {
                let kept = held.isEmpty ? [] : try await store.extend(held, lease: Self.leaseSeconds)
                keptAt = asked
                giveUp(held.filter { !kept.contains($0) })
            } catch {
                logger.debug("lifecycle leases not extended", [.error: .error(error)])
                if keptAt.duration(to: .now) > .seconds(Self.leaseSeconds * 0.75) { giveUp(held) }
            }
        }
    }

    private func giveUp(_ claims: [JobClaim]) {
        for job in running.withLock({ running in claims.compactMap { running[$0] } }) { job.task.cancel() }
    }

    // MARK: - At the end

    /// Returns when no job is left; the service group cancels it when the grace is over.
    private func finishJobs() async {
        while !running.withLock({ $0.isEmpty }) {
            guard (try? await loop.sleep(for: Self.drainPause)) != nil else { return }
        }
    }

    /// Gives back the jobs that came to a stand. One whose engine call still runs is nobody else's until its lease runs
    /// out: two that start or stop one container get into each other's way.
    private func handBack() async {
        let left = running.withLock { $0 }
        guard !left.isEmpty else { return }
        for job in left.values { job.task.cancel() }
        // In a task of its own: this one may be cancelled already, and with it every call and sleep.
        await Task(executorPreference: loop) {
            let end = ContinuousClock.now + self.cancelledGrace
            while self.isAnyRunning(of: left.keys), ContinuousClock.now < end {
                try? await self.loop.sleep(for: Self.drainPause)
            }
            let ended = self.running.withLock { running in left.keys.filter { running[$0] == nil } }
            do {
                try await self.store.handBack(ended)
            } catch {
                self.logger.debug("lifecycle jobs not handed back", [.error: .error(error)])
            }
        }.value
    }

    private func isAnyRunning(of claims: some Sequence<JobClaim>) -> Bool {
        running.withLock { running in claims.contains { running[$0] != nil } }
    }
}

extension JobOutcome {
    /// For metrics.
    fileprivate var label: String {
        switch self {
        case .started: "started"
        case .startFailed: "failed"
        case .stopped: "stopped"
        case .obsolete: "obsolete"
        case .again: "again"
        }
    }
}
