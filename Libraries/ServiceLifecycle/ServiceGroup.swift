package import Observability
import Glibc
import Synchronization

/// Runs the parts of a program together: started in the order given, stopped in reverse.
///
/// `SIGTERM` and `SIGINT` begin a graceful shutdown: one service after the other, last first, is signalled and awaited,
/// so that a service's dependencies outlive it. When the grace period is over the rest is cancelled, still in order. A
/// second signal exits at once. A service that throws, or returns before it is signalled, shuts down the group.
package final class ServiceGroup: Sendable {
    /// How long a service may take to return once it is cancelled.
    static let cancellationGrace = Duration.seconds(2)

    /// Given when a shutdown begins, before any service is signalled: from then on the process is not ready.
    package let shutdownBegan = ShutdownSignal()

    private let services: [any Service]
    private let grace: Duration
    private let logger: Logger
    private let executor: (any TaskExecutor)?
    private let handlesSignals: Bool
    private let failed = Atomic<Bool>(false)

    /// - Parameters:
    ///   - services: in the order of starting: dependencies first.
    ///   - grace: how long services may take to finish, all together (`SHUTDOWN_GRACE_SECONDS`).
    ///   - executor: the services' executor, the global pool when nil.
    ///   - handlesSignals: whether `SIGTERM` and `SIGINT` stop the group. Only one such group at a time.
    package init(
        services: [any Service], grace: Duration = .seconds(30), logger: Logger,
        executor: (any TaskExecutor)? = nil, handlesSignals: Bool = true
    ) {
        self.services = services
        self.grace = grace
        self.logger = logger
        self.executor = executor
        self.handlesSignals = handlesSignals
    }

    /// Runs until shut down.
    ///
    /// - Returns: the exit code: 0 after a requested shutdown, 1 when a service failed or did not stop.
    package func run() async -> Int32 {
        signal(SIGPIPE, SIG_IGN)  // a peer that hangs up is an error of the write, not the end of the process
        let thread = SignalThread(signals: handlesSignals ? [SIGTERM, SIGINT] : []) { self.received($0) }
        let running = services.map { start($0) }
        await shutdownBegan.wait()
        let allStopped = await stop(running, thread)
        thread.stop()
        logger.info("stopped")
        return failed.load(ordering: .relaxed) || !allStopped ? 1 : 0
    }

    private func received(_ signal: Int32) {
        let name: LogValue = signal == SIGINT ? "SIGINT" : "SIGTERM"
        if shutdownBegan.isGiven {
            logger.warning("second signal, exiting at once", [.signal: name])
            _exit(128 + signal)
        }
        logger.info("shutting down", [.signal: name])
        shutdownBegan.give()
    }

    private func start(_ service: any Service) -> RunningService {
        logger.debug("starting service", [.name: .string(service.name)])
        return RunningService(service, executor: executor) { name, error, wasRequested in
            self.serviceEnded(name, error, wasRequested: wasRequested)
        }
    }

    private func serviceEnded(_ name: String, _ error: (any Error)?, wasRequested: Bool) {
        if let error {
            logger.error("service failed", [.name: .string(name), .error: .error(error)])
        } else if !wasRequested {
            logger.error("service ended without being asked to", [.name: .string(name)])
        } else {
            return logger.debug("service stopped", [.name: .string(name)])
        }
        failed.store(true, ordering: .relaxed)
        shutdownBegan.give()
    }

    private func stop(_ running: [RunningService], _ thread: SignalThread) async -> Bool {
        let deadline = ContinuousClock.now + grace
        var allStopped = true
        for service in running.reversed() {
            service.requestStop()
            if await service.hasEnded(by: deadline, thread) { continue }
            logger.warning("service did not stop in time, cancelling it", [.name: .string(service.name)])
            service.cancel()
            if await service.hasEnded(by: .now + Self.cancellationGrace, thread) { continue }
            logger.error("service does not stop, leaving it behind", [.name: .string(service.name)])
            allStopped = false
        }
        return allStopped
    }
}
