/// One thing that heals. A pass is idempotent, bounded, and safe with any number of instances running it at once.
package protocol SweepPass: Sendable {
    /// What metrics and `/admin/liveness` call it.
    var name: String { get }
    var interval: Duration { get }

    /// Does it once.
    ///
    /// - Returns: what it did, by name.
    func run() async throws -> [String: Int]
}
