import Foundation

/// Decides how many silent workspaces may be taken offline in one pass. Sweeps propose, this decides.
///
/// When many fall silent within half a period, or our own ingest was down, the cause is ours and not theirs: a partition, a
/// dead proxy, a database that failed over. Then nothing changes for one period, and afterwards a little at a time. Decision
/// 18 says why it looks at what it looks at.
package struct LivenessGuard: Sendable {
    /// What a pass sees, all by the database's clock.
    package struct Observation: Sendable, Hashable {
        package var now: Date
        package var databaseStartedAt: Date
        /// Workspaces of the pass's scope that are online or degraded.
        package var running: Int
        /// Those of them without a sign of life for longer than ``LivenessGuard/lateness``: most of them will be silent.
        package var late: Int
        /// Those of them without a sign of life for longer than allowed.
        package var silent: Int
        /// Workspaces of all scopes that are online or degraded.
        package var fleet: Int
        /// The newest heartbeat of anyone, of whichever scope.
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
        /// Our own ingest was down or slow.
        case ingest = "ingest_trouble"
        /// Nobody was heard of at all.
        case silence = "no_heartbeats"
    }

    package struct Decision: Sendable, Hashable {
        /// How many may go offline now, those silent longest first.
        package var release: Int
        /// Why fewer than all: `nil` when the guard does not act.
        package var held: Reason?

        package init(release: Int, held: Reason?) {
            self.release = release
            self.held = held
        }
    }

    /// Fleets smaller than this are not guarded: one laptop switched off is 100 % of a fleet of one.
    package static let smallestFleet = 10
    /// What may always go, and the share of the fleet that may.
    package static let alwaysAllowed = 3
    package static let allowedShare = 0.2
    /// The share of the fleet that is released a minute while the guard acts.
    package static let releaseShareAMinute = 0.1
    /// A beat and a half: a fleet of ten from which nothing comes for longer is not what is broken.
    package static let ingestSilence: TimeInterval = 45
    /// Passes are 5 and 15 s apart; a gap this long means that no sweeper ran, or that the clock was set.
    package static let passGap: TimeInterval = 60

    /// Seconds without a sign of life after which a workspace is offline; also how long grace and holding last.
    let period: TimeInterval

    package init(period: TimeInterval) {
        self.period = period
    }

    /// Seconds without a sign of life after which a workspace is late: half of what makes it silent, but not less than a
    /// beat and a half. A fleet that dies in one moment falls silent one after the other, over the 30 s between beats, of
    /// which a pass sees a sixth; by the time the first are silent, all are late.
    package var lateness: TimeInterval { min(period, max(period / 2, Self.ingestSilence)) }

    /// One pass: the decision, and what to remember.
    package func decide(_ seen: Observation, _ state: GuardState) -> (decision: Decision, state: GuardState) {
        var next = state
        note(seen, &next)
        let decision = decide(seen, since: state.lastPassAt, &next)
        next.reason = decision.held
        return (decision, next)
    }

    private func decide(_ seen: Observation, since lastPassAt: Date?, _ next: inout GuardState) -> Decision {
        if next.graceSince != nil { return Decision(release: 0, held: seen.silent > 0 ? .grace : nil) }
        guard let reason = trouble(seen, next) else {
            next.heldSince = nil
            next.holdsUntil = nil
            next.allowance = 0
            return Decision(release: seen.silent, held: nil)
        }
        if next.heldSince == nil, seen.silent > 0 {
            next.heldSince = seen.now
            next.holdsUntil = max(next.holdsUntil ?? seen.now, seen.now.addingTimeInterval(period))
        }
        guard next.heldSince != nil else { return Decision(release: 0, held: nil) }
        return Decision(release: release(seen, lastPassAt, reason, &next), held: reason)
    }

    /// Takes down what speaks for a cause of ours.
    private func note(_ seen: Observation, _ state: inout GuardState) {
        let gap = state.lastPassAt.map { abs(seen.now.timeIntervalSince($0)) } ?? .infinity
        let isSameDatabase = state.databaseStartedAt.map { abs($0.timeIntervalSince(seen.databaseStartedAt)) < 1 }
        if gap > Self.passGap || isSameDatabase != true {
            // What was noted by a clock or a life of before says nothing about this one.
            let heldSince = state.heldSince
            state = GuardState(handRelease: state.handRelease)
            state.graceSince = seen.now
            state.heldSince = heldSince
            state.holdsUntil = heldSince.map { _ in seen.now.addingTimeInterval(period) }
        }
        if let since = state.graceSince, seen.now.timeIntervalSince(since) >= period { state.graceSince = nil }
        state.lastPassAt = seen.now
        state.databaseStartedAt = seen.databaseStartedAt
        state.counts = GuardState.Counts(running: seen.running, late: seen.late, silent: seen.silent)
        if isIngestDown(seen) {
            state.ingestTroubleAt = seen.now
            // Once it is back, everybody has a whole period to be heard of again.
            state.holdsUntil = seen.now.addingTimeInterval(period)
        }
        if seen.running >= Self.smallestFleet, seen.late > Self.allowed(of: seen.running) {
            state.manyLateAt = seen.now
        }
    }

    private func silence(_ seen: Observation) -> TimeInterval {
        seen.newestHeartbeatAt.map { seen.now.timeIntervalSince($0) } ?? .infinity
    }

    private func isIngestDown(_ seen: Observation) -> Bool {
        seen.fleet >= Self.smallestFleet && silence(seen) > Self.ingestSilence
    }

    /// How many of a fleet may go at once.
    package static func allowed(of running: Int) -> Int {
        max(alwaysAllowed, Int(Double(running) * allowedShare))
    }

    /// Why the guard acts: there was a cause of ours within the last period.
    private func trouble(_ seen: Observation, _ state: GuardState) -> Reason? {
        func isRecent(_ date: Date?) -> Bool { date.map { seen.now.timeIntervalSince($0) < period } ?? false }
        if isIngestDown(seen), silence(seen) > period { return .silence }
        if isRecent(state.ingestTroubleAt) { return .ingest }
        return isRecent(state.manyLateAt) ? .tooMany : nil
    }

    /// A tenth of the fleet a minute, evenly over the passes. What was not used is not saved up, but for what a pass may
    /// release of a small fleet, which is less than one.
    private func release(
        _ seen: Observation, _ lastPassAt: Date?, _ reason: Reason, _ state: inout GuardState
    ) -> Int {
        guard reason != .silence, let until = state.holdsUntil, seen.now >= until else { return 0 }
        let since = max(lastPassAt ?? seen.now, until)
        let elapsed = min(max(0, seen.now.timeIntervalSince(since)), Self.passGap)
        let share = Double(seen.running) * Self.releaseShareAMinute * elapsed / 60
        state.allowance = min(state.allowance + share, max(1, share))
        let count = min(seen.silent, Int(state.allowance))
        state.allowance -= Double(count)
        return count
    }
}
