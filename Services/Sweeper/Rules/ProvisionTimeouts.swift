/// The provisioning timeouts by runtime, in seconds.
package struct ProvisionTimeouts: Sendable, Hashable {
    /// The default.
    package static let usual = 600
    /// Runtimes with a slow first start.
    package static let slow = ["hermes": 1800]

    /// Runtimes with a timeout of their own.
    package let byRuntime: [String: Int]
    /// The timeout of all other runtimes.
    package let others: Int

    /// - Parameters:
    ///   - override: the operator's setting for all runtimes.
    ///   - declared: the templates' timeouts for their runtimes.
    package init(override: Int?, declared: [String: Duration]) {
        others = override ?? Self.usual
        byRuntime = override == nil ? Self.slow.merging(declared.mapValues(Self.seconds)) { $1 } : [:]
    }

    /// Rounded up, so that no timeout is shorter than declared.
    private static func seconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        return Int(min(max(seconds, 0), longest)) + (attoseconds > 0 ? 1 : 0)
    }

    private static let longest: Int64 = 1_000_000_000
}
