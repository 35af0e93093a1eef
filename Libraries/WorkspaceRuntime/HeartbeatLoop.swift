import EventLoop
import Observability
import Synchronization

/// Registers the agent and tells the platform, every interval and whenever asked, that it lives and how it fares.
///
/// Nothing that goes wrong ends it: an agent whose heartbeats stop is taken for dead.
final class HeartbeatLoop: Sendable {
    /// After this many failures in a row the connections are dropped: a broken one, or an old address, would fail on.
    static let failuresBeforeReconnect = 10

    /// Says what the runtime does itself. It may look at an adapter that fails: a beat goes without it then.
    typealias MetadataSource = @Sendable () throws -> RuntimeMetadata

    private struct State {
        var isRegistered = false
        var registrationFailures = 0
        var failures = 0
        var lastBeatSucceeded = false
        var isOver = false
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
    private let wake = Wake()
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

    /// The platform knows this agent and received the last beat.
    var isOnline: Bool { state.withLock { $0.isRegistered && $0.lastBeatSucceeded } }

    /// Beats until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            await round()
            if Task.isCancelled { break }
            await wake.sleep(atMost: pause, on: loop)
        }
        let waiters = state.withLock { state in
            state.isOver = true
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: false) }
    }

    /// Beats as soon as possible, without waiting for it.
    func beatSoon() { wake.wake() }

    /// Beats as soon as possible.
    ///
    /// - Returns: whether a beat that began after the call reached the platform.
    func beatNow() async -> Bool {
        await withUnsafeContinuation { continuation in
            let isOver = state.withLock { state in
                if !state.isOver {
                    state.waiters.append(continuation)
                    // In one step with the waiter: the round that takes the one takes the other, and is the only one.
                    wake.wake()
                }
                return state.isOver
            }
            if isOver { continuation.resume(returning: false) }
        }
    }

    private func round() async {
        let waiters = state.withLock { state in
            wake.forget()
            defer { state.waiters = [] }
            return state.waiters
        }
        await registerIfNeeded()
        let isAlive = await beat()
        for waiter in waiters { waiter.resume(returning: isAlive) }
        if isAlive { await results?.collect() }
    }

    /// Until it is registered it does not wait a whole interval: usually the platform is just starting too.
    private var pause: Duration {
        let failures = state.withLock { $0.isRegistered ? nil : $0.registrationFailures }
        guard let failures else { return interval }
        return min(interval, .seconds(1 << min(failures, 5)))
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
            logger.warning("going on unregistered", [.error: .error(error)])
        }
    }

    /// Sends one beat. An error rate is shown until a beat with it was received, and not again.
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
            // The platform lost us, for instance to an older backup: it is told again who we are.
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
            logger.warning("a heartbeat goes without capabilities", [.error: .error(error)])
        }
        return report
    }
}
