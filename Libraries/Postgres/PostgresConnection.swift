import Concurrency
import CPQ
import CUV
import Foundation
import Observability
import UVLoop

/// One connection in pipeline mode: operations go out in order, each with its own Sync, and their results come back in
/// that order.
///
/// Split in two files: sending, deadlines and closing here, results in `PostgresConnection+Receiving`.
///
/// Loop thread only.
final class PostgresConnection {
    let loop: EventLoop
    let handle: PGHandle
    let metrics: PostgresMetrics?
    private let cancelGrace: UInt64
    var watcher: FileWatcher?
    private(set) var isOpen = true

    /// Accepted, to be sent at the end of the loop iteration.
    private var outgoing = FIFO<PipelineOperation>()
    /// Sent; the server is executing the first one.
    var inFlight = FIFO<PipelineOperation>()
    private var isFlushScheduled = false
    var wantsWritable = false
    var prepared: [String: PreparedStatement] = [:]
    private var preparedCount = 0
    /// The operation for which a cancel request was sent, and when.
    var cancelled: (operation: PipelineOperation, since: UInt64)?
    var lastCancel: UInt64?

    /// Called after results have arrived.
    var onProgress: (() -> Void)?
    /// Called once when the connection is lost, with the operations never sent.
    var onLost: ((PostgresError, [PipelineOperation]) -> Void)?

    /// The simple-query session that uses the socket outside pipeline mode; it ends with the connection.
    var simpleQuery: SimpleQuerySession?

    /// Whether the server sees no transaction open.
    var isOutsideTransaction: Bool { isOpen && PQtransactionStatus(handle.raw) == PQTRANS_IDLE }

    /// Operations accepted and not completed.
    var load: Int { outgoing.count + inFlight.count }

    init(loop: EventLoop, handle: PGHandle, cancelGrace: Duration, metrics: PostgresMetrics?) {
        self.loop = loop
        self.handle = handle
        self.cancelGrace = cancelGrace.milliseconds
        self.metrics = metrics
        PQsetnonblocking(handle.raw, 1)
        PQenterPipelineMode(handle.raw)
        watcher = loop.watch(fileDescriptor: PQsocket(handle.raw)) { [weak self] in self?.socketIsReady($0) }
        watcher?.start(.readable)
        metrics?.connections.increment()
        metrics?.connects.increment()
    }

    /// Closes the connection; pending operations fail with `error`.
    func close(_ error: PostgresError = PostgresError(.closed, "the pool is closed")) {
        guard let unsent = end(failing: error) else { return }
        for operation in unsent { operation.fail(error) }
    }

    // MARK: - Outside the pipeline

    /// Leaves pipeline mode and hands the socket to a simple-query session, if no operation is pending.
    func leavePipeline(for simpleQuery: SimpleQuerySession) -> Bool {
        guard load == 0, PQexitPipelineMode(handle.raw) == 1 else { return false }
        self.simpleQuery = simpleQuery
        return true
    }

    func enterPipeline() {
        simpleQuery = nil
        if isOpen { PQenterPipelineMode(handle.raw) }
    }

    /// - Returns: false when the connection is broken.
    func flushSimpleQuery() -> Bool {
        let state = PQflush(handle.raw)
        guard state >= 0, PQstatus(handle.raw) == CONNECTION_OK else { return false }
        watchWritable(state > 0)
        return true
    }

    // MARK: - Sending

    /// Runs calls on this connection and on no other.
    func run(
        _ calls: [Call], timeout: Duration, role: PipelineOperation.Role, _ completion: PipelineOperation.Completion
    ) {
        let operation = PipelineOperation(calls, timeout: timeout, role: role, completion)
        operation.begin(now: loop.nowMilliseconds)
        if isOpen { enqueue(operation) } else { operation.fail(PostgresError(.unavailable, "the connection was lost")) }
    }

    /// Accepts an operation; all that are accepted in one loop iteration are sent together.
    func enqueue(_ operation: PipelineOperation) {
        outgoing.append(operation)
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        loop.post { self.sendOutgoing() }
    }

    private func sendOutgoing() {
        isFlushScheduled = false
        guard isOpen else { return }
        // libpq writes at every Sync: with the cork in, the kernel makes full segments of many small writes, and the
        // server wakes up once.
        let isCorked = outgoing.count > 1 && setCork(true)
        while isOpen, let operation = outgoing.popFirst() {
            if operation.isCompleted { continue }
            inFlight.append(operation)
            metrics?.inFlight.increment()
            if !send(operation) { return broken() }
        }
        if isCorked { _ = setCork(false) }
        flush()
    }

    private func setCork(_ on: Bool) -> Bool {
        var value: Int32 = on ? 1 : 0
        let size = socklen_t(MemoryLayout<Int32>.size)
        return setsockopt(PQsocket(handle.raw), Int32(IPPROTO_TCP), TCP_CORK, &value, size) == 0
    }

    private func send(_ operation: PipelineOperation) -> Bool {
        for call in operation.calls where !call.statement.name.isEmpty {
            operation.used.append(prepare(call.statement, for: operation))
        }
        if !operation.preparing.isEmpty {
            // In a transaction of their own: parsing takes a snapshot, after which a BEGIN could not choose its
            // isolation any more.
            guard operation.preparing.allSatisfy(sendPrepare), PQpipelineSync(handle.raw) == 1 else { return false }
            operation.isPreparing = true
        }
        var index = 0
        for call in operation.calls {
            if call.statement.name.isEmpty {
                guard sendUnprepared(call) else { return false }
            } else {
                guard let statement = operation.used[index], send(call, statement) else { return false }
                index += 1
            }
        }
        return PQpipelineSync(handle.raw) == 1
    }

    /// The prepared form of a statement; when there is none yet, one that this operation prepares first.
    private func prepare(_ statement: Statement, for operation: PipelineOperation) -> PreparedStatement {
        if let existing = prepared[statement.name], existing.statement.sql == statement.sql { return existing }
        // Names are never reused, so a stale statement needs no clean-up before its successor.
        preparedCount += 1
        let new = PreparedStatement(
            statement, serverName: "\(statement.name)~\(preparedCount)",
            latency: metrics?.latency(of: statement.name))
        prepared[statement.name] = new
        operation.preparing.append(new)
        return new
    }

    private func sendPrepare(_ statement: PreparedStatement) -> Bool {
        PQsendPrepare(handle.raw, statement.serverName, statement.statement.sql, 0, nil) == 1
    }

    private func send(_ call: Call, _ statement: PreparedStatement) -> Bool {
        call.parameters.withPointers { values in
            PQsendQueryPrepared(
                handle.raw, statement.serverName, Int32(call.parameters.count), values, nil, nil, 0) == 1
        }
    }

    private func sendUnprepared(_ call: Call) -> Bool {
        call.parameters.withPointers { values in
            PQsendQueryParams(
                handle.raw, call.statement.sql, Int32(call.parameters.count), nil, values, nil, nil, 0) == 1
        }
    }

    func flush() {
        guard isOpen else { return }
        let state = PQflush(handle.raw)
        // A write that fails makes libpq read, to find out why, and close the socket: no event would follow.
        if state < 0 || PQstatus(handle.raw) == CONNECTION_BAD { return broken() }
        watchWritable(state > 0)
    }

    private func watchWritable(_ isWanted: Bool) {
        guard isWanted != wantsWritable else { return }
        wantsWritable = isWanted
        watcher?.start(wantsWritable ? [.readable, .writable] : .readable)
    }

    // MARK: - Deadlines

    /// Fails operations past their deadline. A statement that the server is executing is cancelled; if the server does
    /// not react within the grace period, the connection is closed.
    func expire(now: UInt64) {
        outgoing.forEach { operation in
            guard !operation.isCompleted, operation.deadline <= now else { return }
            operation.fail(PostgresError(.deadline, "not sent in time"))
        }
        inFlight.forEach { operation in
            guard !operation.isCompleted, operation.deadline <= now else { return }
            let error = PostgresError(.deadline, "no result within \(operation.timeout)", outcome: .unknown)
            metrics?.count(error)
            operation.failWithoutResult(error)
        }
        guard let head = inFlight.first, head.isCompleted else { return }
        // Its transaction cannot continue, so the connection is closed with it.
        if head.role != .alone {
            Canceller.cancel(self)
            return markLost(PostgresError(.deadline, "the transaction ran out of time", outcome: .unknown))
        }
        guard let cancelled, cancelled.operation === head else {
            self.cancelled = (head, now)
            lastCancel = now
            metrics?.cancels.increment()
            return Canceller.cancel(self)
        }
        if cancelled.since + cancelGrace <= now { markLost(.lost("the server does not respond")) }
    }

    // MARK: - Closing

    /// Processes the results already received before closing the connection.
    private func broken() {
        receive()
        markLost()
    }

    func markLost(_ error: PostgresError? = nil) {
        guard isOpen else { return }
        let error = error ?? .lost(handle.errorText)
        guard let unsent = end(failing: error) else { return }
        onLost?(error, unsent)
        onLost = nil
    }

    /// - Returns: the operations never sent, or nil when the connection was closed before.
    private func end(failing error: PostgresError) -> [PipelineOperation]? {
        guard isOpen else { return nil }
        isOpen = false
        watcher?.close()
        watcher = nil
        handle.close()
        metrics?.connections.decrement()
        onProgress = nil
        simpleQuery?.connectionEnded(error)
        simpleQuery = nil
        for operation in inFlight.takeAll() {
            metrics?.inFlight.decrement()
            if !operation.isCompleted { metrics?.count(operation.error ?? error) }
            operation.failWithoutResult(error)
        }
        return outgoing.takeAll().filter { !$0.isCompleted }
    }
}
