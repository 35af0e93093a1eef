/// How long a workspace may be `provisioning`, in seconds, by its runtime.
package struct ProvisionTimeouts: Sendable, Hashable {
    /// For runtimes of which nothing else is known.
    package static let usual = 600
    /// Those whose first start takes long by nature.
    package static let slow = ["hermes": 1800]

    /// Runtimes with a time of their own.
    package let ofRuntime: [String: Int]
    /// That of all others.
    package let others: Int

    /// - Parameters:
    ///   - override: what the operator set for all.
    ///   - declared: what templates say of their runtimes.
    package init(override: Int?, declared: [String: Duration]) {
        others = override ?? Self.usual
        ofRuntime = override == nil ? Self.slow.merging(declared.mapValues(Self.seconds)) { $1 } : [:]
    }

    /// The time of one runtime.
    package func seconds(of runtime: String) -> Int { ofRuntime[runtime] ?? others }

    /// Rounded up: nobody gets less than was declared.
    private static func seconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        return Int(min(max(seconds, 0), longest)) + (attoseconds > 0 ? 1 : 0)
    }

    private static let longest: Int64 = 1_000_000_000
}
