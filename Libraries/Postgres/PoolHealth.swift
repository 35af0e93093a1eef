import Observability
import Synchronization

/// Whether a pool has connections, for readiness and for the log, which reports the loss and recovery of the database
/// once, not once per connection.
final class PoolHealth: Sendable {
    private struct State {
        var open = 0
        var isReportedDown = false
    }

    private let state = Mutex(State())
    private let logger: Logger

    init(logger: Logger) { self.logger = logger }

    var isReady: Bool { state.withLock { $0.open > 0 } }

    func connectionOpened() {
        let isRecovered = state.withLock { state in
            state.open += 1
            defer { state.isReportedDown = false }
            return state.isReportedDown
        }
        if isRecovered { logger.info("the database is back") }
    }

    func connectionLost(_ error: PostgresError) {
        state.withLock { $0.open -= 1 }
        reportIfDown(error)
    }

    func connectionClosed() { state.withLock { $0.open -= 1 } }

    func failed(_ error: PostgresError) {
        logger.debug("cannot connect to the database", [.error: .error(error)])
        reportIfDown(error)
    }

    private func reportIfDown(_ error: PostgresError) {
        let shouldReport = state.withLock { state in
            guard state.open == 0, !state.isReportedDown else { return false }
            state.isReportedDown = true
            return true
        }
        if shouldReport { logger.warning("the database is not reachable", [.error: .error(error)]) }
    }
}
