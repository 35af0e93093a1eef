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

    /// What is remembered from pass to pass; kept in `platform_state`.
    package struct State: Sendable, Hashable, Codable {
        /// Since when much of the fleet has had no container, by the database's clock.
        package var manyGoneSince: Date?

        package init(manyGoneSince: Date? = nil) {
            self.manyGoneSince = manyGoneSince
        }
    }

    package struct Decision: Sendable, Hashable {
        /// How many of those that are gone may go offline now.
        package var limit: Int
        /// Seconds for which they must have been silent besides.
        package var silence: TimeInterval
        package var state: State

        package init(limit: Int, silence: TimeInterval, state: State) {
            self.limit = limit
            self.silence = silence
            self.state = state
        }

        /// Fewer may go than are gone.
        package var isHeld: Bool { state.manyGoneSince != nil }
    }

    /// A few that are gone are believed at once. Where much of the fleet is, the engine may be another one than the fleet's, or
    /// has just been started: then the liveness guard's word counts as well, nothing changes for one period, and afterwards a
    /// tenth of the fleet goes a minute, of those that are silent: agents that run beat every 30 s.
    ///
    /// - Parameters:
    ///   - gone: how many have no container, those among them that were not asked for one by one.
    ///   - expected: how many should have one.
    ///   - liveness: what the liveness guard remembers; `nil` when it never ran.
    ///   - period: seconds.
    package static func decide(
        gone: Int, of expected: Int, liveness: GuardState?, _ state: State, now: Date, period: TimeInterval
    ) -> Decision {
        guard expected >= LivenessGuard.smallestFleet, gone > LivenessGuard.allowed(of: expected) else {
            return Decision(limit: gone, silence: 0, state: State())
        }
        let since = state.manyGoneSince ?? now
        func isRecent(_ date: Date?) -> Bool { date.map { now.timeIntervalSince($0) < period } ?? false }
        let isOurs =
            liveness.map { $0.graceSince != nil || isRecent($0.ingestTroubleAt) || ($0.holdsUntil ?? now) > now }
            ?? true
        let mayGo = now.timeIntervalSince(since) >= period && !isOurs
        let share = Double(expected) * LivenessGuard.releaseShareAMinute * interval / 60
        return Decision(
            limit: mayGo ? max(1, Int(share)) : 0, silence: LivenessGuard.ingestSilence,
            state: State(manyGoneSince: since))
    }

    /// Seconds between two passes.
    package static let interval: TimeInterval = 15
}
