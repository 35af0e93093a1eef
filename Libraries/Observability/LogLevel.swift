/// How much a log line matters.
package enum LogLevel: String, Sendable, Comparable, CaseIterable {
    /// Details for debugging.
    case debug
    /// The service's lifecycle: started, ready, stopped, recovered.
    case info
    /// Something an operator can act on.
    case warning
    /// Something was lost or cannot continue.
    case error

    /// The level of a name, in whatever case it is written; nil for any other text.
    package init?(name: String) {
        self.init(rawValue: name.lowercased())
    }

    /// The level named by `LOG_LEVEL`, `info` when it is absent or unknown.
    package static func fromEnvironment(_ environment: [String: String]) -> LogLevel {
        environment["LOG_LEVEL"].flatMap { LogLevel(name: $0) } ?? .info
    }

    private var rank: Int {
        switch self {
        case .debug: 0
        case .info: 1
        case .warning: 2
        case .error: 3
        }
    }

    package static func < (left: LogLevel, right: LogLevel) -> Bool { left.rank < right.rank }
}
