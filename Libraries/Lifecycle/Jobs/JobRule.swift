import Concurrency
import Foundation
import Provisioning

/// What follows from an error of the provisioner.
package enum JobRule {
    /// Tries of a start while the engine is away; then the workspace has failed, and says why.
    static let startAttempts = 8
    private static let longestDelay = 300.0

    /// A stop is never given up: what may still run must not be forgotten.
    static func outcome(of error: ProvisioningError, _ job: LifecycleJob) -> JobOutcome {
        switch job.kind {
        case .start, .restart:
            error.isTransient && job.attempts + 1 < startAttempts
                ? .again(error.message) : .startFailed(error.message)
        case .stop, .remove:
            .again(error.message)
        }
    }

    /// Seconds before a job's next try: 1, 2, 4 ... up to five minutes, with a quarter of jitter.
    ///
    /// - Parameters:
    ///   - attempts: failures so far, this one included.
    ///   - unit: a random number from 0 to 1.
    static func delay(attempts: Int, unit: Double) -> Double {
        let backoff = Backoff(initial: .seconds(1), maximum: .seconds(longestDelay), jitter: 0)
        return backoff.delay(attempt: attempts - 1, unit: 0).inSeconds * (0.75 + 0.5 * unit)
    }
}
