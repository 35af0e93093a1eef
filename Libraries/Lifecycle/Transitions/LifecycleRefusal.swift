import Contracts
import Foundation

/// Why a workspace's life is not changed as somebody asked.
package enum LifecycleRefusal: Error, Sendable, Hashable {
    /// Unknown, or removed.
    case unknown
    case alreadyPaused
    case notPaused
    /// A child of a paused parent stays paused.
    case parentIsPaused
    /// Its owner starts and stops it.
    case isExternal
    /// It is not in a status from which this is possible.
    case wrongStatus(WorkspaceStatus)
    /// It is at work.
    case hasActiveTasks(Int)
    /// Its children would go with it, which must be said explicitly.
    case needsConfirmation([ChildReference])
    case noProvisioner
    /// Others keep creating workspaces below it.
    case isGrowing
}
