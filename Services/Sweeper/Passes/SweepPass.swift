/// One thing that heals. A pass is idempotent, bounded, and safe with any number of instances running it at once.
package protocol SweepPass: Sendable {
    /// What metrics and `/admin/liveness` call it.
    var name: String { get }
    var interval: Duration { get }
    /// From the end of a run to the beginning of the next: the interval, unless the pass knows that there is more to do.
    var pause: Duration { get }

    /// Does it once.
    ///
    /// - Returns: what it did, by name.
    func run() async throws -> [String: Int]
}

extension SweepPass {
    package var pause: Duration { interval }
}
