import Foundation

/// The state of ``LivenessGuard`` between passes; stored in `platform_state`, so that any instance can continue. All
/// times are by the database's clock.
package struct GuardState: Sendable, Hashable, Codable {
    /// The start of the grace period, after a start of the platform or its database.
    package var graceSince: Date?
    package var lastPassAt: Date?
    /// The start time of the database server at the last pass.
    package var databaseStartedAt: Date?
    /// When no heartbeats of any workspace arrived.
    package var ingestTroubleAt: Date?
    /// When too many were late.
    package var manyLateAt: Date?
    /// Since when the guard keeps workspaces from going offline.
    package var heldSince: Date?
    /// Until when it lets none go offline.
    package var holdsUntil: Date?
    /// The unused part of the share that it releases.
    package var allowance: Double = 0
    /// Why the last pass released fewer workspaces than were silent.
    package var reason: LivenessGuard.Reason?
    /// The counts of the last pass.
    package var counts: Counts?
    /// The last release by an operator.
    package var handRelease: ManualRelease?

    package init(handRelease: ManualRelease? = nil) {
        self.handRelease = handRelease
    }

    package struct Counts: Sendable, Hashable, Codable {
        package var running: Int
        package var late: Int
        package var silent: Int

        package init(running: Int, late: Int, silent: Int) {
            self.running = running
            self.late = late
            self.silent = silent
        }
    }

    /// An operator's confirmation that the workspaces which were silent at a time are dead.
    package struct ManualRelease: Sendable, Hashable, Codable {
        package var at: Date
        /// The operator's credential, as named in the event.
        package var by: String

        package init(at: Date, by: String) {
            self.at = at
            self.by = by
        }

        /// Valid for one period, but at least for some passes; not for workspaces that fall silent later.
        package func isValid(at now: Date, for period: TimeInterval) -> Bool {
            let age = now.timeIntervalSince(at)
            return age >= 0 && age < max(period, LivenessGuard.passGap)
        }
    }
}
