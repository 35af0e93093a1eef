import Foundation

/// Decides how many silent workspaces may be taken offline in one pass: the rate limit of the liveness sweeps.
///
/// When many fall silent within half a period, or the platform's own ingest was down, the cause is the platform and not
/// the agents: a partition, a dead proxy, a database failover. Then nothing changes for one period, and afterwards
/// workspaces go offline at a limited rate. Decision 18 gives the reasons for its inputs.
package struct LivenessGuard: Sendable {
    /// The observation of a pass, by the database's clock.
    package struct Observation: Sendable, Hashable {
        package var now: Date
        package var databaseStartedAt: Date
        /// Workspaces of the pass's scope that are online or degraded.
        package var running: Int
        /// Those of them without activity for longer than ``LivenessGuard/lateness``: most of them will be silent.
        package var late: Int
        /// Those of them without activity for longer than the liveness timeout.
        package var silent: Int
        /// Workspaces of all scopes that are online or degraded.
        package var fleet: Int
        /// The newest heartbeat of any workspace, in all scopes.
        package var newestHeartbeatAt: Date?

        package init(
            now: Date, databaseStartedAt: Date, running: Int, late: Int, silent: Int, fleet: Int,
            newestHeartbeatAt: Date?
        ) {
            self.now = now
            self.databaseStartedAt = databaseStartedAt
            self.running = running
            self.late = late
            self.silent = silent
            self.fleet = fleet
            self.newestHeartbeatAt = newestHeartbeatAt
        }
    }

    package enum Reason: String, Sendable, Hashable, Codable {
        /// The platform or its database has just started.
        case grace
        /// Too many fell silent at once.
        case tooMany = "too_many_silent"
        /// The platform's own ingest was down or slow.
        case ingest = "ingest_trouble"
        /// No heartbeats arrived at all.
        case silence = "no_heartbeats"
    }

    package struct Decision: Sendable, Hashable {
        /// How many may go offline now, the longest silent first.
        package var release: Int
        /// Why the number is limited; `nil` when the guard does not act.
        package var held: Reason?

        package init(release: Int, held: Reason?) {
            self.release = release
            self.held = held
        }
    }

    /// Fleets smaller than this are not guarded: one laptop switched off is 100 % of a fleet of one.
    package static let smallestFleet = 10
    /// The number of workspaces, and the share of the fleet, that may always go offline.
    package static let alwaysAllowed = 3
    package static let allowedShare = 0.2
    /// The share of the fleet that is released a minute while the guard acts.
    package static let releaseShareAMinute = 0.1
    /// One and a half heartbeat intervals: if a fleet of ten or more is silent for longer, the ingest is broken, not
    /// the agents.
    package static let ingestSilence: TimeInterval = 45
    /// Passes are 5 and 15 s apart; a gap this long means that no sweeper ran, or that the clock was changed.
    package static let passGap: TimeInterval = 60

    /// The liveness timeout in seconds; also the duration of the grace period and of a hold.
    let period: TimeInterval

    package init(period: TimeInterval) {
        self.period = period
    }

    /// Seconds without activity after which a workspace is late: half of the liveness timeout, but at least one and a
    /// half heartbeat intervals. The workspaces of a fleet that dies at once fall silent one after the other, over the
    /// 30 s between beats, of which a pass sees a sixth; by the time the first are silent, all are late.
    package var lateness: TimeInterval { min(period, max(period / 2, Self.ingestSilence)) }

    /// One pass: the decision, and the new state.
    package func decide(_ observed: Observation, _ state: GuardState) -> (decision: Decision, state: GuardState) {
        var next = state
        note(observed, &next)
        let decision = decide(observed, since: state.lastPassAt, &next)
        next.reason = decision.held
        return (decision, next)
    }

    private func decide(_ observed: Observation, since lastPassAt: Date?, _ next: inout GuardState) -> Decision {
        if next.graceSince != nil { return Decision(release: 0, held: observed.silent > 0 ? .grace : nil) }
        guard let reason = cause(observed, next) else {
            next.heldSince = nil
            next.holdsUntil = nil
            next.allowance = 0
            return Decision(release: observed.silent, held: nil)
        }
        if next.heldSince == nil, observed.silent > 0 {
            next.heldSince = observed.now
            next.holdsUntil = max(next.holdsUntil ?? observed.now, observed.now.addingTimeInterval(period))
        }
        guard next.heldSince != nil else { return Decision(release: 0, held: nil) }
        return Decision(release: release(observed, lastPassAt, reason, &next), held: reason)
    }

    /// Records in the state what indicates a fault of the platform.
    private func note(_ observed: Observation, _ state: inout GuardState) {
        let gap = state.lastPassAt.map { abs(observed.now.timeIntervalSince($0)) } ?? .infinity
        let isSameDatabase = state.databaseStartedAt.map { abs($0.timeIntervalSince(observed.databaseStartedAt)) < 1 }
        if gap > Self.passGap || isSameDatabase != true {
            // State recorded by another clock, or before a restart, is not comparable.
            let heldSince = state.heldSince
            state = GuardState(handRelease: state.handRelease)
            state.graceSince = observed.now
            state.heldSince = heldSince
            state.holdsUntil = heldSince.map { _ in observed.now.addingTimeInterval(period) }
        }
        if let since = state.graceSince, observed.now.timeIntervalSince(since) >= period { state.graceSince = nil }
        state.lastPassAt = observed.now
        state.databaseStartedAt = observed.databaseStartedAt
        state.counts = GuardState.Counts(running: observed.running, late: observed.late, silent: observed.silent)
        if isIngestDown(observed) {
            state.ingestTroubleAt = observed.now
            // Once it is back, agents have a whole period to send a heartbeat.
            state.holdsUntil = observed.now.addingTimeInterval(period)
        }
        if observed.running >= Self.smallestFleet, observed.late > Self.allowed(of: observed.running) {
            state.manyLateAt = observed.now
        }
    }

    private func silence(_ observed: Observation) -> TimeInterval {
        observed.newestHeartbeatAt.map { observed.now.timeIntervalSince($0) } ?? .infinity
    }

    private func isIngestDown(_ observed: Observation) -> Bool {
        observed.fleet >= Self.smallestFleet && silence(observed) > Self.ingestSilence
    }

    /// How many workspaces of a fleet may go offline at once.
    package static func allowed(of running: Int) -> Int {
        max(alwaysAllowed, Int(Double(running) * allowedShare))
    }

    /// Why the guard acts: there was a fault of the platform within the last period.
    private func cause(_ observed: Observation, _ state: GuardState) -> Reason? {
        func isRecent(_ date: Date?) -> Bool { date.map { observed.now.timeIntervalSince($0) < period } ?? false }
        if isIngestDown(observed), silence(observed) > period { return .silence }
        if isRecent(state.ingestTroubleAt) { return .ingest }
        return isRecent(state.manyLateAt) ? .tooMany : nil
    }

    /// A tenth of the fleet a minute, evenly over the passes. An unused allowance is not accumulated, except for the
    /// fraction below one that a pass may release of a small fleet.
    private func release(
        _ observed: Observation, _ lastPassAt: Date?, _ reason: Reason, _ state: inout GuardState
    ) -> Int {
        guard reason != .silence, let until = state.holdsUntil, observed.now >= until else { return 0 }
        let since = max(lastPassAt ?? observed.now, until)
        let elapsed = min(max(0, observed.now.timeIntervalSince(since)), Self.passGap)
        let share = Double(observed.running) * Self.releaseShareAMinute * elapsed / 60
        state.allowance = min(state.allowance + share, max(1, share))
        let count = min(observed.silent, Int(state.allowance))
        state.allowance -= Double(count)
        return count
    }
}
