import Authentication
import HTTPServer

/// Asks from time to time whether the token that opened a stream still is one.
struct TokenCheck: Sendable {
    private let authenticator: Authenticator
    private let request: Request
    private let interval: Duration
    private var checked = ContinuousClock.now

    /// - Parameters:
    ///   - request: has just been let in.
    ///   - interval: a replay ends this long after its token does, at the most as much later as its client takes for
    ///     what is being sent.
    init(_ request: Request, _ authenticator: Authenticator, every interval: Duration = .seconds(5)) {
        self.request = request
        self.authenticator = authenticator
        self.interval = interval
    }

    /// Asks when the last time is long enough ago.
    mutating func isStillValid() async -> Bool {
        guard ContinuousClock.now - checked > interval else { return true }
        guard await authenticator.isStillValid(request) else { return false }
        checked = .now
        return true
    }
}
