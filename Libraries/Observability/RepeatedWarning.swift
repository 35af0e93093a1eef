import Synchronization

/// A rate-limited warning about a recurring condition: logged when it begins, and once a minute while it lasts.
package final class RepeatedWarning: Sendable {
    private struct State {
        var loggedAt: ContinuousClock.Instant?
        var suppressed = 0
    }

    private static let interval: Duration = .seconds(60)

    private let message: StaticString
    private let logger: Logger
    private let state = Mutex(State())

    package init(_ message: StaticString, _ logger: Logger) {
        self.message = message
        self.logger = logger
    }

    /// Records an occurrence, and logs it when due.
    ///
    /// - Parameter variables: of this occurrence; of suppressed ones only the number is logged.
    package func log(_ variables: @autoclosure () -> LogMetadata) {
        let now = ContinuousClock.now
        let suppressed: Int? = state.withLock { state in
            if let loggedAt = state.loggedAt, now - loggedAt < Self.interval {
                state.suppressed += 1
                return nil
            }
            state.loggedAt = now
            defer { state.suppressed = 0 }
            return state.suppressed
        }
        guard let suppressed else { return }
        var variables = variables()
        variables[.custom("times_suppressed")] = .int(suppressed)
        logger.warning(message, variables)
    }
}
