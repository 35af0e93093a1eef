import Foundation

/// Decides how many silent workspaces may be taken offline in one pass. Sweeps propose, this decides.
///
/// When many fall silent at once, or our own ingest was down, the cause is ours and not theirs: a partition, a dead
/// proxy, a database that failed over. Then nothing changes for one period, and afterwards a little at a time.
package struct LivenessGuard: Sendable {
    /// What is remembered from pass to pass; kept in `platform_state`, so that any instance goes on with it.
    package struct State: Sendable, Hashable, Codable {
        /// Since when everybody has the benefit of the doubt: the platform or its database has just started.
        package var graceSince: Date?
        package var lastPassAt: Date?
        /// When the database server that we saw last was started.
        package var databaseStartedAt: Date?
        /// When ingest was last seen down or slow.
        package var ingestTroubleAt: Date?
        /// Since when the guard holds back.
        package var heldSince: Date?
        /// When the last ones were released under the guard, and how much of the allowance was left.
        package var releasedAt: Date?
        package var allowance: Double = 0

        package init() {}
    }

    /// What a pass sees, all by the database's clock.
    package struct Observation: Sendable, Hashable {
        package var now: Date
        package var databaseStartedAt: Date
        /// Workspaces that are online or degraded.
        package var running: Int
        /// Those of them without a sign of life for longer than allowed.
        package var silent: Int
        /// The newest heartbeat of anyone.
        package var newestHeartbeatAt: Date?

        package init(now: Date, databaseStartedAt: Date, running: Int, silent: Int, newestHeartbeatAt: Date?) {
            self.now = now
            self.databaseStartedAt = databaseStartedAt
            self.running = running
            self.silent = silent
            self.newestHeartbeatAt = newestHeartbeatAt
        }
    }

    package enum Reason: String, Sendable, Hashable {
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
    }

    /// Fleets smaller than this are not guarded: one laptop switched off is 100 % of a fleet of one.
    package static let smallestFleet = 10
    /// What may always go, and the share of the fleet that may.
    package static let alwaysAllowed = 3
    package static let allowedShare = 0.2
    /// The share of the fleet that is released a minute while the guard acts.
    package static let releaseShareAMinute = 0.1
    /// Agents beat every 30 s: a fleet of ten from which nothing comes for longer is not what is broken.
    package static let ingestSilence: TimeInterval = 45
    /// Passes are 5 s apart; a gap this long means that no sweeper ran.
    package static let passGap: TimeInterval = 60

    /// Seconds without a sign of life after which a workspace is offline; also how long grace and holding last.
    package let period: TimeInterval

    package init(period: TimeInterval) {
        self.period = period
    }

    /// One pass: the decision, and what to remember.
    package func decide(_ seen: Observation, _ state: State) -> (decision: Decision, state: State) {
        var next = state
        note(seen, &next)
        if let since = next.graceSince, seen.now.timeIntervalSince(since) < period {
            return (Decision(release: 0, held: seen.silent > 0 ? .grace : nil), next)
        }
        next.graceSince = nil
        guard seen.running >= Self.smallestFleet, let reason = reason(seen, next) else {
            next.heldSince = nil
            next.releasedAt = nil
            next.allowance = 0
            return (Decision(release: seen.silent, held: nil), next)
        }
        let heldSince = next.heldSince ?? seen.now
        next.heldSince = heldSince
        let isHolding = seen.now.timeIntervalSince(heldSince) < period || reason == .silence
        guard !isHolding else { return (Decision(release: 0, held: reason), next) }
        return (Decision(release: release(seen, &next), held: reason), next)
    }

    private func note(_ seen: Observation, _ state: inout State) {
        let wasAway = state.lastPassAt.map { seen.now.timeIntervalSince($0) > Self.passGap } ?? true
        let isSameDatabase = state.databaseStartedAt.map { abs($0.timeIntervalSince(seen.databaseStartedAt)) < 1 }
        if wasAway || isSameDatabase != true { state.graceSince = seen.now }
        state.lastPassAt = seen.now
        state.databaseStartedAt = seen.databaseStartedAt
        let silence = seen.newestHeartbeatAt.map { seen.now.timeIntervalSince($0) } ?? .infinity
        if seen.running >= Self.smallestFleet, silence > Self.ingestSilence { state.ingestTroubleAt = seen.now }
    }

    private func reason(_ seen: Observation, _ state: State) -> Reason? {
        guard seen.silent > 0 else { return nil }
        let silence = seen.newestHeartbeatAt.map { seen.now.timeIntervalSince($0) } ?? .infinity
        if silence > period { return .silence }
        if let trouble = state.ingestTroubleAt, seen.now.timeIntervalSince(trouble) < period { return .ingest }
        let allowed = max(Self.alwaysAllowed, Int(Double(seen.running) * Self.allowedShare))
        return seen.silent > allowed ? .tooMany : nil
    }

    /// A bucket that fills with a tenth of the fleet a minute and holds no more than that.
    private func release(_ seen: Observation, _ state: inout State) -> Int {
        let perMinute = Double(seen.running) * Self.releaseShareAMinute
        let elapsed = state.releasedAt.map { seen.now.timeIntervalSince($0) } ?? 60
        state.allowance = min(perMinute, state.allowance + perMinute * elapsed / 60)
        state.releasedAt = seen.now
        let count = min(seen.silent, Int(state.allowance))
        state.allowance -= Double(count)
        return count
    }
}
