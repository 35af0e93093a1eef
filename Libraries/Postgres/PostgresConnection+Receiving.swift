import CPQ
import Concurrency
import CUV
import Observability
import UVLoop

extension PostgresConnection {
    func socketIsReady(_ events: FileEvents) {
        // An error stops the watcher, but the data that arrived before it is read first; the next read detects that the
        // connection is closed.
        if events.contains(.error) { watcher?.start(wantsWritable ? [.readable, .writable] : .readable) }
        if let simpleQuery { return simpleQuery.socketIsReady() }
        // Results that have arrived are processed even when reading ended in an error.
        let isAlive = PQconsumeInput(handle.raw) == 1
        receive()
        if isOpen, !isAlive || PQstatus(handle.raw) == CONNECTION_BAD { return markLost() }
        if wantsWritable { flush() }
        if isOpen { onProgress?() }
    }

    func receive() {
        while isOpen, let operation = inFlight.first, PQisBusy(handle.raw) == 0 {
            guard let raw = PQgetResult(handle.raw) else {
                // A null ends the results of one message; on a dead connection there are nulls without end.
                if PQstatus(handle.raw) == CONNECTION_BAD { return }
                operation.receivedResults += 1
                continue
            }
            let result = ResultOwner(raw)
            switch PQresultStatus(raw) {
            case PGRES_PIPELINE_SYNC where operation.isPreparing: operation.isPreparing = false
            case PGRES_PIPELINE_SYNC:
                _ = inFlight.popFirst()
                metrics?.inFlight.decrement()
                complete(operation)
            case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
                accept(result, for: operation)
            case PGRES_PIPELINE_ABORTED: break
            case PGRES_FATAL_ERROR:
                if operation.error == nil { operation.error = PostgresError(result: raw) }
            default:
                // A COPY, for instance, after which the pipeline cannot continue.
                operation.fail(PostgresError(.server, "the statement cannot run in a pipeline"))
                return markLost()
            }
        }
    }

    private func accept(_ result: ResultOwner, for operation: PipelineOperation) {
        if operation.receivedResults < operation.preparing.count {
            operation.preparing[operation.receivedResults].isConfirmed = true
        } else {
            operation.rows.append(PostgresRows(result: result))
        }
    }

    private func complete(_ operation: PipelineOperation) {
        if cancelled?.operation === operation { cancelled = nil }
        guard let error = operation.error else {
            observe(operation)
            return operation.succeed()
        }
        // A prepare that failed, or was skipped because an earlier one did, left nothing behind.
        for statement in operation.preparing where !statement.isConfirmed { forget(statement) }
        if !operation.isCompleted, shouldRetry(operation, error) {
            operation.attempts += 1
            operation.reset()
            return enqueue(operation)
        }
        // Requeued behind the operations that arrived meanwhile, until its deadline.
        if !operation.isCompleted, error.isLockTimeout, operation.repeatsLockWait {
            metrics?.lockWaits.increment()
            operation.reset()
            return enqueue(operation)
        }
        metrics?.count(error)
        operation.fail(error)
        if SQLState.endsConnection(error.sqlState) { markLost(error) }
    }

    /// Whether an operation failed, without effect, because of this connection's state and not its own.
    private func shouldRetry(_ operation: PipelineOperation, _ error: PostgresError) -> Bool {
        let isStale =
            error.sqlState == SQLState.unknownStatement
            || (error.sqlState == SQLState.featureNotSupported && error.message.contains("cached plan"))
        if isStale { operation.used.forEach { $0.map(forget) } }
        // A cancel request names a connection, not a statement: it may arrive when the next one runs.
        let isStrayCancel =
            error.sqlState == SQLState.queryCancelled && lastCancel.map { $0 + 10_000 > loop.nowMilliseconds } == true
        return (isStale || isStrayCancel) && operation.attempts == 0 && operation.role == .alone
    }

    private func forget(_ statement: PreparedStatement) {
        let name = statement.statement.name
        if prepared[name] === statement { prepared[name] = nil }
    }

    private func observe(_ operation: PipelineOperation) {
        guard metrics != nil else { return }
        let seconds = Double(uv_hrtime() - operation.startedNanoseconds) / 1e9
        for statement in operation.used { statement?.latency?.observe(seconds) }
    }
}
