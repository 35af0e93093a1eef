import Foundation

/// What ``LivenessGuard`` remembers from pass to pass; kept in `platform_state`, so that any instance goes on with it. All
/// times are by the database's clock.
package struct GuardState: Sendable, Hashable, Codable {
    /// Since when everybody has the benefit of the doubt: the platform or its database has just started.
    package var graceSince: Date?
    package var lastPassAt: Date?
    /// When the database server that we saw last was started.
    package var databaseStartedAt: Date?
    /// When nothing was heard of anyone.
    package var ingestTroubleAt: Date?
    /// When too many were late.
    package var manyLateAt: Date?
    /// Since when the guard holds workspaces back.
    package var heldSince: Date?
    /// Until when it lets none go.
    package var holdsUntil: Date?
    /// What is left of the share that it lets go.
    package var allowance: Double = 0
    /// Why the last pass let fewer go than were silent.
    package var reason: LivenessGuard.Reason?
    /// What the last pass saw.
    package var counts: Counts?
    /// What an operator had released by hand.
    package var handRelease: HandRelease?

    package init(handRelease: HandRelease? = nil) {
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

    /// An operator's word that those who were silent at a moment are really dead.
    package struct HandRelease: Sendable, Hashable, Codable {
        package var at: Date
        /// Which credential it was, as the event names it.
        package var by: String

        package init(at: Date, by: String) {
            self.at = at
            self.by = by
        }

        /// For one period, but for some passes at least: what is silent later is another matter.
        package func isValid(at now: Date, for period: TimeInterval) -> Bool {
            let age = now.timeIntervalSince(at)
            return age >= 0 && age < max(period, LivenessGuard.passGap)
        }
    }
}
