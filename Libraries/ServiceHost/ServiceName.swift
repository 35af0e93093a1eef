/// The five services, by the names of their executables.
package enum ServiceName: String, Sendable, CaseIterable {
    case registry
    case a2aProxy = "a2a-proxy"
    case scheduler
    case notifier
    case sweeper

    /// The port when `PORT` is not set.
    package var defaultPort: Int {
        switch self {
        case .registry: 8081
        case .a2aProxy: 8082
        case .scheduler: 8083
        case .notifier: 8084
        case .sweeper: 8085
        }
    }
}
