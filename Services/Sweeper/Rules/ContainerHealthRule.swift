import Foundation
import Provisioning

/// Which workspaces seem to have lost their container, and when to act on it.
package enum ContainerHealthRule {
    /// The expected workspaces that an engine's list does not show running. A list may be older than a start: each
    /// workspace is inspected by itself before it is acted upon.
    package static func missing(_ expected: [UUID], among found: [ManagedWorkspace]) -> [UUID] {
        let alive = Set(found.lazy.filter(\.isAlive).map(\.idPrefix))
        return expected.filter { !alive.contains(WorkspaceName($0).prefix) }
    }

    /// The state between passes; stored in `platform_state`.
    package struct State: Sendable, Hashable, Codable {
        /// Since when much of the fleet has had no container, by the database's clock.
        package var manyGoneSince: Date?

        package init(manyGoneSince: Date? = nil) {
            self.manyGoneSince = manyGoneSince
        }
    }

    package struct Decision: Sendable, Hashable {
        /// How many of the workspaces without a container may go offline now.
        package var limit: Int
        /// Seconds for which they must also have been silent.
        package var silence: TimeInterval
        package var state: State

        package init(limit: Int, silence: TimeInterval, state: State) {
            self.limit = limit
            self.silence = silence
            self.state = state
        }

        /// Whether the number is limited.
        package var isHeld: Bool { state.manyGoneSince != nil }
    }

    /// A few missing containers are acted upon immediately. If much of the fleet has none, the engine may be the wrong
    /// one, or may have just been started: then the liveness guard's state counts as well, nothing changes for one
    /// period, and afterwards a tenth of the fleet goes offline a minute, silent workspaces only: running agents beat
    /// every 30 s.
    ///
    /// - Parameters:
    ///   - gone: the number of workspaces without a container, including those that were not inspected one by one.
    ///   - expected: the number of workspaces that should have one.
    ///   - liveness: the state of the liveness guard; `nil` when it never ran.
    ///   - period: seconds.
    package static func decide(
        gone: Int, of expected: Int, liveness: GuardState?, _ state: State, now: Date, period: TimeInterval
    ) -> Decision {
        guard expected >= LivenessGuard.smallestFleet, gone > LivenessGuard.allowed(of: expected) else {
            return Decision(limit: gone, silence: 0, state: State())
        }
        let since = state.manyGoneSince ?? now
        func isRecent(_ date: Date?) -> Bool { date.map { now.timeIntervalSince($0) < period } ?? false }
        let isPlatformFault =
            liveness.map { $0.graceSince != nil || isRecent($0.ingestTroubleAt) || ($0.holdsUntil ?? now) > now }
            ?? true
        let mayGo = now.timeIntervalSince(since) >= period && !isPlatformFault
        let share = Double(expected) * LivenessGuard.releaseShareAMinute * interval / 60
        return Decision(
            limit: mayGo ? max(1, Int(share)) : 0, silence: LivenessGuard.ingestSilence,
            state: State(manyGoneSince: since))
    }

    /// Seconds between two passes.
    package static let interval: TimeInterval = 15
}
