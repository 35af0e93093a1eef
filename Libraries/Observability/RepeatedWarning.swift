import Synchronization

/// A warning about something that goes on happening: told when it begins, and once a minute while it lasts.
package final class RepeatedWarning: Sendable {
    private struct State {
        var toldAt: ContinuousClock.Instant?
        var untold = 0
    }

    private static let interval: Duration = .seconds(60)

    private let message: StaticString
    private let logger: Logger
    private let state = Mutex(State())

    package init(_ message: StaticString, _ logger: Logger) {
        self.message = message
        self.logger = logger
    }

    /// It has happened again.
    ///
    /// - Parameter variables: of this time; those of the times that were not told are lost but for their number.
    package func note(_ variables: @autoclosure () -> LogMetadata) {
        let now = ContinuousClock.now
        let untold: Int? = state.withLock { state in
            if let toldAt = state.toldAt, now - toldAt < Self.interval {
                state.untold += 1
                return nil
            }
            state.toldAt = now
            defer { state.untold = 0 }
            return state.untold
        }
        guard let untold else { return }
        var variables = variables()
        variables[.custom("times_not_told")] = .int(untold)
        logger.warning(message, variables)
    }
}
