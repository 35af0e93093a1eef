import Concurrency
import UVLoop

/// Connections of one loop that serve one user at a time: transactions, streams, copies. Loop thread only.
final class ExclusiveConnections {
    /// What a caller gets, who may be on any thread.
    typealias Acquired = Result<LoopBound<PostgresConnection>, PostgresError>
    typealias Continuation = UnsafeContinuation<Acquired, Never>

    private final class Waiter {
        let submitted: UInt64
        let deadline: UInt64
        private var continuation: Continuation?

        init(submitted: UInt64, deadline: UInt64, continuation: Continuation) {
            self.submitted = submitted
            self.deadline = deadline
            self.continuation = continuation
        }

        func resume(_ result: Acquired) {
            continuation?.resume(returning: result)
            continuation = nil
        }
    }

    private let loop: EventLoop
    private let open: ConnectionFactory
    private let configuration: PostgresConfiguration
    private var idle: [PostgresConnection] = []
    /// Lent connections, with the deadline of each.
    private var lent: [ObjectIdentifier: (connection: PostgresConnection, deadline: UInt64)] = [:]
    private var connectors: [ObjectIdentifier: PostgresConnector] = [:]
    private var opening = 0
    private var waiting = FIFO<Waiter>()
    private var failures = 0
    private var isClosed = false
    private var lastFailure: PostgresError?

    /// Called when there is a deadline to monitor.
    var onActivity: (() -> Void)?

    var isBusy: Bool { !lent.isEmpty || !waiting.isEmpty }

    init(loop: EventLoop, open: ConnectionFactory, configuration: PostgresConfiguration) {
        self.loop = loop
        self.open = open
        self.configuration = configuration
    }

    /// Lends a connection; when it is not returned within the limit, it is closed.
    func acquire(limit: Duration, _ continuation: Continuation) {
        let now = loop.nowMilliseconds
        enqueue(Waiter(submitted: now, deadline: now + limit.milliseconds, continuation: continuation))
    }

    /// Takes a connection back, and closes it when a call or a transaction is still open on it.
    func release(_ connection: PostgresConnection) {
        guard lent.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        if isClosed || connection.load > 0 || !connection.isOutsideTransaction { connection.close() }
        if connection.isOpen { idle.append(connection) }
        serve()
    }

    /// Takes a connection back that cannot be used any more.
    func discard(_ connection: PostgresConnection) {
        connection.close()
        release(connection)
    }

    func expire(now: UInt64) {
        for (connection, deadline) in Array(lent.values) {
            connection.expire(now: now)
            guard deadline <= now else { continue }
            Canceller.cancel(connection)
            connection.close(PostgresError(.deadline, "the transaction ran out of time"))
        }
        let unavailableTimeout = configuration.unavailableAfter.milliseconds
        let isConnected = !lent.isEmpty || !idle.isEmpty
        waiting.removeAll { waiter in
            let isLate = waiter.deadline <= now
            guard isLate || (!isConnected && waiter.submitted + unavailableTimeout <= now) else { return false }
            let reason = lastFailure.map { "no connection: \($0.message)" } ?? "no connection became free"
            waiter.resume(.failure(PostgresError(isConnected ? .deadline : .unavailable, reason)))
            return true
        }
    }

    func close(_ error: PostgresError) {
        isClosed = true
        for connector in connectors.values { connector.cancel() }
        connectors = [:]
        for waiter in waiting.takeAll() { waiter.resume(.failure(error)) }
        for connection in idle { connection.close(error) }
        for (connection, _) in lent.values { connection.close(error) }
        idle = []
    }

    private func enqueue(_ waiter: Waiter) {
        if isClosed { return waiter.resume(.failure(PostgresError(.closed, "the pool is closed"))) }
        guard waiting.count < configuration.exclusiveWaitingLimit else {
            return waiter.resume(
                .failure(PostgresError(.unavailable, "\(waiting.count) transactions wait already")))
        }
        waiting.append(waiter)
        onActivity?()
        serve()
    }

    private func serve() {
        while !waiting.isEmpty, let connection = idle.popLast() {
            guard connection.isOpen, let waiter = waiting.popFirst() else { continue }
            lent[ObjectIdentifier(connection)] = (connection, waiter.deadline)
            waiter.resume(.success(LoopBound(connection, on: loop)))
        }
        while opening < waiting.count, lent.count + idle.count + opening < configuration.exclusiveConnectionsPerLoop {
            opening += 1
            startOne()
        }
    }

    private func startOne() {
        let key = Key()
        let connector = open.start(on: loop) { [weak self] result in
            self?.connectors[ObjectIdentifier(key)] = nil
            self?.opened(result)
        }
        if let connector { connectors[ObjectIdentifier(key)] = connector }
    }

    /// Identifies an attempt before its connector exists.
    private final class Key {}

    private func opened(_ result: Result<PostgresConnection, PostgresError>) {
        switch result {
        case .success(let connection):
            opening -= 1
            failures = 0
            lastFailure = nil
            if isClosed { return connection.close() }
            connection.onLost = { [weak self, weak connection] _, unsent in
                for operation in unsent { operation.fail(.lost("the connection was lost")) }
                self?.idle.removeAll { $0 === connection }
            }
            idle.append(connection)
            serve()
        case .failure(let error):
            failures += 1
            lastFailure = error
            // The place stays taken during the pause, so that nobody else tries meanwhile.
            loop.post(after: configuration.pause(after: failures)) { [weak self] in
                self?.opening -= 1
                self?.serve()
            }
        }
    }
}
