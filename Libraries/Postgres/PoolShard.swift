import Concurrency
import Observability
import UVLoop

/// The part of a pool that lives on one loop. Loop thread only.
final class PoolShard {
    /// How often deadlines are checked while operations are pending.
    private static let tick: Duration = .milliseconds(20)

    let loop: EventLoop
    let exclusive: ExclusiveConnections
    private let configuration: PostgresConfiguration
    private let health: PoolHealth
    private let metrics: PostgresMetrics?
    private var slots: [PooledConnection] = []
    private var waiting = FIFO<PipelineOperation>()
    private var isStarted = false
    private var isClosed = false
    private var isFinished = false
    private var timer: LoopTimer?
    private var isTicking = false
    private var onIdle: (() -> Void)?
    private var lastFailure: PostgresError?

    init(loop: EventLoop, open: ConnectionFactory, configuration: PostgresConfiguration, health: PoolHealth) {
        self.loop = loop
        self.configuration = configuration
        self.health = health
        metrics = open.metrics
        exclusive = ExclusiveConnections(loop: loop, open: open, configuration: configuration)
        slots = (0..<configuration.connectionsPerLoop).map { _ in
            PooledConnection(loop: loop, open: open, configuration: configuration)
        }
        exclusive.onActivity = { [weak self] in self?.startTicking() }
    }

    /// Starts connecting; submitting the first operation does so, too.
    func start() {
        guard !isClosed, !isStarted else { return }
        isStarted = true
        for slot in slots {
            slot.onReady = { [weak self] in self?.connectionReady() }
            slot.onProgress = { [weak self] in self?.sendWaiting() }
            slot.onLost = { [weak self] error, unsent in self?.connectionLost(error, unsent) }
            slot.onFailure = { [weak self] error in
                self?.lastFailure = error
                self?.health.failed(error)
            }
            slot.start()
        }
    }

    /// Sends calls in a transaction of their own, or queues them until a connection has capacity.
    func submit(_ calls: [Call], timeout: Duration, _ completion: PipelineOperation.Completion) {
        let operation = PipelineOperation(calls, timeout: timeout, completion)
        operation.begin(now: loop.nowMilliseconds)
        guard !isClosed else { return operation.fail(PostgresError(.closed, "the pool is closed")) }
        start()
        startTicking()
        if waiting.isEmpty, let connection = leastLoaded() { return connection.enqueue(operation) }
        guard waiting.count < configuration.waitingLimit else {
            let error = PostgresError(.unavailable, "\(waiting.count) calls wait already")
            metrics?.count(error)
            return operation.fail(error)
        }
        waiting.append(operation)
        metrics?.waiting.increment()
        sendWaiting()
    }

    /// Accepts no more operations; calls back once all have completed, or have failed after the grace period.
    func close(_ completion: @escaping () -> Void) {
        guard !isClosed else { return completion() }
        isClosed = true
        onIdle = completion
        startTicking()
        loop.post(after: configuration.closeGrace) { [weak self] in self?.finishClosing() }
    }

    /// Closes at once: pending operations fail.
    func closeNow() {
        guard !isFinished else { return }
        isClosed = true
        onIdle = onIdle ?? {}
        finishClosing()
    }

    private func leastLoaded() -> PostgresConnection? {
        var best: PostgresConnection?
        for slot in slots {
            guard let connection = slot.connection, connection.load < configuration.inFlightLimit else { continue }
            if best.map({ connection.load < $0.load }) ?? true { best = connection }
        }
        return best
    }

    private func connectionReady() {
        health.connectionOpened()
        sendWaiting()
    }

    private func sendWaiting() {
        while !waiting.isEmpty, let connection = leastLoaded() {
            guard let operation = waiting.popFirst() else { return }
            metrics?.waiting.decrement()
            if !operation.isCompleted { connection.enqueue(operation) }
        }
    }

    /// Operations that a lost connection never sent go to another one: they had no effect yet.
    private func connectionLost(_ error: PostgresError, _ unsent: [PipelineOperation]) {
        lastFailure = error
        health.connectionLost(error)
        for operation in unsent {
            waiting.append(operation)
            metrics?.waiting.increment()
        }
        sendWaiting()
    }

    // MARK: - Time

    private func startTicking() {
        guard !isTicking else { return }
        isTicking = true
        if timer == nil { timer = loop.makeTimer { [weak self] in self?.ticked() } }
        timer?.start(after: Self.tick, repeating: Self.tick)
    }

    private func ticked() {
        let now = loop.nowMilliseconds
        for slot in slots { slot.connection?.expire(now: now) }
        exclusive.expire(now: now)
        expireWaiting(now)
        guard waiting.isEmpty, !exclusive.isBusy, slots.allSatisfy({ ($0.connection?.load ?? 0) == 0 }) else { return }
        timer?.stop()
        isTicking = false
        if isClosed { finishClosing() }
    }

    private func expireWaiting(_ now: UInt64) {
        guard !waiting.isEmpty else { return }
        let isConnected = slots.contains { $0.connection != nil }
        let unavailableTimeout = configuration.unavailableAfter.milliseconds
        let before = waiting.count
        waiting.removeAll { operation in
            if operation.isCompleted { return true }
            let error: PostgresError
            if operation.deadline <= now {
                error = PostgresError(isConnected ? .deadline : .unavailable, "waited for a connection for too long")
            } else if !isConnected, operation.submitted + unavailableTimeout <= now {
                error = PostgresError(.unavailable, "no connection: \(lastFailure?.message ?? "still connecting")")
            } else {
                return false
            }
            metrics?.count(error)
            operation.fail(error)
            return true
        }
        metrics?.waiting.decrement(by: Double(before - waiting.count))
    }

    private func finishClosing() {
        guard let onIdle else { return }
        self.onIdle = nil
        isFinished = true
        timer?.close()
        timer = nil
        isTicking = true  // it is never started again
        let error = PostgresError(.closed, "the pool is closed")
        for operation in waiting.takeAll() { operation.fail(error) }
        for slot in slots {
            if slot.connection != nil { health.connectionClosed() }
            slot.close(error)
        }
        exclusive.close(error)
        onIdle()
    }
}
