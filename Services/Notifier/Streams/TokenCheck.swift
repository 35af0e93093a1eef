import Authentication
import UVHTTPServer

/// Checks at an interval whether the token that opened a stream is still valid.
struct TokenCheck: Sendable {
    private let authenticator: Authenticator
    private let request: Request
    private let interval: Duration
    private var checked = ContinuousClock.now

    /// - Parameters:
    ///   - request: has just been authenticated.
    ///   - interval: a replay ends at most this long after its token, plus the time that the client needs to read what
    ///     is being sent.
    init(_ request: Request, _ authenticator: Authenticator, every interval: Duration = .seconds(5)) {
        self.request = request
        self.authenticator = authenticator
        self.interval = interval
    }

    /// Checks the token if the last check is older than the interval.
    mutating func isStillValid() async -> Bool {
        guard ContinuousClock.now - checked > interval else { return true }
        guard await authenticator.isStillValid(request) else { return false }
        checked = .now
        return true
    }
}
