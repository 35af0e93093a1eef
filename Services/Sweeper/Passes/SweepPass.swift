/// One repair or clean-up task. A pass is idempotent, bounded, and safe with any number of instances running it at
/// once.
package protocol SweepPass: Sendable {
    /// Its name in metrics and in `/admin/liveness`.
    var name: String { get }
    var interval: Duration { get }
    /// The time between the end of a run and the start of the next: the interval, unless the pass has more to do.
    var pause: Duration { get }

    /// Runs the pass once.
    ///
    /// - Returns: counts of its changes by name.
    func run() async throws -> [String: Int]
}

extension SweepPass {
    package var pause: Duration { interval }
}
