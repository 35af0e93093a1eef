import Authentication
import HTTPServer

/// Asks from time to time whether the token that opened a stream still is one.
struct TokenCheck: Sendable {
    /// A stream ends this long after its token does, at the most as much later as its client is idle, or takes for what
    /// is being sent.
    private static let interval: Duration = .seconds(5)

    private let authenticator: Authenticator
    private let request: Request
    private var checked = ContinuousClock.now

    /// - Parameter request: has just been let in.
    init(_ request: Request, _ authenticator: Authenticator) {
        self.request = request
        self.authenticator = authenticator
    }

    /// Asks when the last time is long enough ago.
    mutating func isStillValid() async -> Bool {
        guard ContinuousClock.now - checked > Self.interval else { return true }
        guard await authenticator.isStillValid(request) else { return false }
        checked = .now
        return true
    }
}
