import Foundation
import Provisioning

/// Which workspaces look as if their container were gone, and when to believe it.
package enum ContainerHealthRule {
    /// Of those that should run, those that an engine's list does not show running. A list may be older than a start: each is
    /// asked for by itself before anything follows from it.
    package static func missing(_ expected: [UUID], among found: [ManagedWorkspace]) -> [UUID] {
        let alive = Set(found.lazy.filter(\.isAlive).map(\.idPrefix))
        return expected.filter { !alive.contains(WorkspaceName($0).prefix) }
    }

    /// Seconds for which those that are gone must have been silent besides.
    ///
    /// A few are believed at once. Where much of the fleet is gone, the engine may be another one than the fleet's: then
    /// its agents go on beating, every 30 s. After a crash of the engine's machine they do not.
    package static func requiredSilence(gone: Int, of expected: Int) -> Double {
        guard expected >= LivenessGuard.smallestFleet else { return 0 }
        let believed = max(LivenessGuard.alwaysAllowed, Int(Double(expected) * LivenessGuard.allowedShare))
        return gone > believed ? LivenessGuard.ingestSilence : 0
    }
}
