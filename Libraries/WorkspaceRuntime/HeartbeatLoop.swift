import Concurrency
import Observability
import ServiceLifecycle
import Synchronization
import UVLoop

/// Registers the agent and sends heartbeats, every interval and on demand.
///
/// No failure ends it: an agent whose heartbeats stop counts as offline.
final class HeartbeatLoop: Sendable {
    /// Consecutive failures after which all connections are dropped: one may be broken, or a cached address stale.
    static let failuresBeforeReconnect = 10

    /// Returns the capabilities of the runtime. When it throws, a heartbeat is sent without them.
    typealias MetadataSource = @Sendable () throws -> RuntimeMetadata

    private struct State {
        var isRegistered = false
        var registrationFailures = 0
        var failures = 0
        var lastBeatSucceeded = false
        var isStopped = false
        var waiters: [UnsafeContinuation<Bool, Never>] = []
    }

    private let platform: PlatformClient
    private let activity: AgentActivity
    private let wedge: RuntimeWedge
    private let registration: @Sendable () -> (url: String, card: AgentCard)
    private let metadata: MetadataSource
    private let results: DelegationResults?
    private let interval: Duration
    private let loop: EventLoop
    private let logger: Logger
    private let wake = WakeSignal()
    private let state = Mutex(State())

    init(
        platform: PlatformClient, activity: AgentActivity, wedge: RuntimeWedge, interval: Duration,
        registration: @escaping @Sendable () -> (url: String, card: AgentCard),
        metadata: @escaping MetadataSource = { RuntimeMetadata() }, results: DelegationResults?, loop: EventLoop,
        logger: Logger
    ) {
        self.platform = platform
        self.activity = activity
        self.wedge = wedge
        self.interval = interval
        self.registration = registration
        self.metadata = metadata
        self.results = results
        self.loop = loop
        self.logger = logger
    }

    /// Whether the agent is registered and its last heartbeat succeeded.
    var isOnline: Bool { state.withLock { $0.isRegistered && $0.lastBeatSucceeded } }

    /// Sends heartbeats until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            await iterate()
            if Task.isCancelled { break }
            await wake.sleep(atMost: pause, on: loop)
        }
        let waiters = state.withLock { state in
            state.isStopped = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: false) }
    }

    /// Sends a heartbeat as soon as possible, without waiting for it.
    func scheduleHeartbeat() { wake.wake() }

    /// Sends a heartbeat as soon as possible.
    ///
    /// - Returns: whether a heartbeat that began after the call reached the platform.
    func sendHeartbeat() async -> Bool {
        await withUnsafeContinuation { continuation in
            let isStopped = state.withLock { state in
                if !state.isStopped {
                    state.waiters.append(continuation)
                    // In one step with the waiter, so that the same iteration takes both.
                    wake.wake()
                }
                return state.isStopped
            }
            if isStopped { continuation.resume(returning: false) }
        }
    }

    private func iterate() async {
        let waiters = state.withLock { state in
            wake.forget()
            defer { state.waiters = [] }
            return state.waiters
        }
        await registerIfNeeded()
        let succeeded = await beat()
        for waiter in waiters { waiter.resume(returning: succeeded) }
        if succeeded { await results?.collect() }
    }

    /// Back-off until it is registered, in place of a whole interval: usually the platform is just starting too.
    private var pause: Duration {
        let failures = state.withLock { $0.isRegistered ? nil : $0.registrationFailures }
        guard let failures else { return interval }
        return Backoff(initial: .seconds(1), maximum: min(interval, .seconds(32)), jitter: 0).delay(
            attempt: failures, unit: 0)
    }

    private func registerIfNeeded() async {
        guard !state.withLock({ $0.isRegistered }) else { return }
        let (url, card) = registration()
        do throws(PlatformError) {
            try await platform.register(url: url, card: card)
            state.withLock { state in
                state.isRegistered = true
                state.registrationFailures = 0
            }
            logger.info("registered", [.url: .string(url)])
        } catch {
            state.withLock { $0.registrationFailures += 1 }
            logger.warning("registration failed, going on unregistered", [.error: .error(error)])
        }
    }

    /// Sends one heartbeat. Counts of errors are reported until a heartbeat with them succeeds.
    private func beat() async -> Bool {
        let snapshot = activity.snapshot()
        do throws(PlatformError) {
            try await platform.heartbeat(report(snapshot))
            activity.reported(snapshot)
            state.withLock { state in
                state.failures = 0
                state.lastBeatSucceeded = true
            }
            return true
        } catch {
            failed(error)
            return false
        }
    }

    private func failed(_ error: PlatformError) {
        let failures = state.withLock { state in
            state.failures += 1
            state.lastBeatSucceeded = false
            // The platform does not know this workspace, for instance after a restore of a backup: it registers again.
            if error.status == 404 { state.isRegistered = false }
            return state.failures
        }
        logger.warning("a heartbeat failed", [.error: .error(error), .attempts: .int(failures)])
        if failures % Self.failuresBeforeReconnect == 0 { platform.reconnect() }
    }

    private func report(_ snapshot: AgentActivity.Snapshot) -> HeartbeatReport {
        var report = HeartbeatReport()
        report.errorRate = snapshot.errorRate
        report.sampleError = snapshot.sampleError
        report.activeTasks = snapshot.activeTasks
        report.currentTask = snapshot.currentTask
        report.uptimeSeconds = snapshot.uptimeSeconds
        if let reason = wedge.wedgeReason {
            report.isWedged = true
            report.sampleError = reason
        }
        do {
            report.metadata = try metadata()
        } catch {
            logger.warning("a heartbeat is sent without capabilities", [.error: .error(error)])
        }
        return report
    }
}
