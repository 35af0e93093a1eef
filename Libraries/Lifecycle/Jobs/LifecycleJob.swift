import Foundation

/// Work on a workspace's container or machine, asked for in the transaction that changed the workspace.
package struct LifecycleJob: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable {
        /// Start what is being provisioned.
        case start
        /// Start it in place of what runs, whatever its status of running or being broken.
        case restart
        /// Stop it; its volume stays.
        case stop
        /// Stop it and remove its volume.
        case remove

        /// What may take as long as an image takes to arrive.
        static let starts: Set<Kind> = [.start, .restart]
        static let stops: Set<Kind> = [.stop, .remove]
    }

    package let id: UUID
    package let workspace: UUID
    package let kind: Kind
    /// Failures so far.
    package let attempts: Int
    /// Fencing: only the current claim may say how the job ended.
    package let claimNumber: Int
    package let removesVolume: Bool

    var claim: JobClaim { JobClaim(job: id, number: claimNumber) }
}

/// One instance's turn at a job.
struct JobClaim: Sendable, Hashable {
    let job: UUID
    let number: Int
}

/// How a job ended.
package enum JobOutcome: Sendable, Hashable {
    /// Its agent will be reached there.
    case started(url: String)
    /// It cannot be started; a message that a client may see.
    case startFailed(String)
    /// Its container is gone, and its volume if that was asked for.
    case stopped
    /// There is nothing to do any more: the workspace was paused or removed meanwhile, or has no container.
    case obsolete
    /// Once more after a while; a message that a client may see.
    case again(String)
}
