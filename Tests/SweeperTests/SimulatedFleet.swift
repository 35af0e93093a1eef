import Foundation
import Sweeper
import TestSupport

/// A fleet of agents that beat, and the passes over them: what ``LivenessGuard`` decides in the course of time.
/// Seconds from the beginning; agents beat every 30 s with jitter, the pass comes every 5 s.
struct SimulatedFleet {
    static let period = 180.0
    private static let pass = 5.0
    private static let beat = 30.0
    private static let jitter = 3.0

    private struct Agent {
        var nextBeat: Double
        /// The last heartbeat that was accepted.
        var sign: Double
        var statusChanged: Double
        var isOnline = true
    }

    /// An agent that was taken offline.
    struct Loss {
        let agent: Int
        let at: Double
        /// The time of its last beat.
        let sign: Double
        let wasAlive: Bool
    }

    /// What happens meanwhile; a missing rule means that all is well.
    struct World {
        var isAlive: (_ agent: Int, _ time: Double) -> Bool = { _, _ in true }
        /// Whether a heartbeat of a living agent is accepted.
        var isHeard: (_ agent: Int, _ time: Double) -> Bool = { _, _ in true }
        /// Whether a pass can be made: there is a sweeper and a database.
        var isSwept: (_ time: Double) -> Bool = { _ in true }
        var databaseStart: (_ time: Double) -> Double = { _ in -10_000 }
        /// What the database's clock adds.
        var clock: (_ time: Double) -> Double = { _ in 0 }
    }

    private(set) var losses: [Loss] = []
    /// When the guard held workspaces back, and why.
    private(set) var held: [(at: Double, reason: LivenessGuard.Reason)] = []
    /// Agents that are offline.
    var offline: Int { agents.count { !$0.isOnline } }

    private var agents: [Agent]
    private var newest: Double
    private var state = GuardState()
    private let guarding = LivenessGuard(period: period)
    private let world: World
    private var random: SeededGenerator

    /// - Parameter lastSeen: when the agents last beat; by default within the last beat's interval.
    init(_ count: Int, seed: UInt64, lastSeen: Double? = nil, state: GuardState = GuardState(), _ world: World) {
        var random = SeededGenerator(seed: seed)
        self.world = world
        self.state = state
        agents = (0..<count).map { _ in
            let next = Double.random(in: 0..<Self.beat, using: &random)
            return Agent(nextBeat: next, sign: lastSeen ?? next - Self.beat, statusChanged: lastSeen ?? -100_000)
        }
        newest = agents.map(\.sign).max() ?? 0
        self.random = random
    }

    mutating func run(until end: Double) {
        var time = 0.0
        while time < end {
            time += Self.pass
            for index in agents.indices where agents[index].nextBeat <= time { beat(index) }
            if world.isSwept(time) { sweep(time) }
        }
    }

    private mutating func beat(_ index: Int) {
        let now = agents[index].nextBeat
        agents[index].nextBeat += Self.beat + Double.random(in: -Self.jitter...Self.jitter, using: &random)
        guard world.isAlive(index, now), world.isHeard(index, now) else { return }
        let sign = now + world.clock(now)
        agents[index].sign = sign
        newest = max(newest, sign)
        if !agents[index].isOnline {
            agents[index].isOnline = true
            agents[index].statusChanged = sign
        }
    }

    private mutating func sweep(_ time: Double) {
        let now = time + world.clock(time)
        let lateness = guarding.lateness
        var (running, late, silent) = (0, 0, 0)
        for agent in agents where agent.isOnline {
            running += 1
            let age = now - max(agent.sign, agent.statusChanged)
            if age > lateness { late += 1 }
            if age > Self.period { silent += 1 }
        }
        let seen = LivenessGuard.Observation(
            now: Date(timeIntervalSince1970: now),
            databaseStartedAt: Date(timeIntervalSince1970: world.databaseStart(time)), running: running, late: late,
            silent: silent, fleet: running, newestHeartbeatAt: Date(timeIntervalSince1970: newest))
        let (decision, next) = guarding.decide(seen, state)
        state = next
        if let reason = decision.held { held.append((time, reason)) }
        if decision.release > 0 { takeOffline(decision.release, time, now) }
    }

    /// Takes so many offline, silent longest first.
    private mutating func takeOffline(_ count: Int, _ time: Double, _ now: Double) {
        let silent = agents.indices.filter {
            agents[$0].isOnline && now - max(agents[$0].sign, agents[$0].statusChanged) > Self.period
        }
        let oldest = silent.sorted {
            max(agents[$0].sign, agents[$0].statusChanged) < max(agents[$1].sign, agents[$1].statusChanged)
        }
        for index in oldest.prefix(count) {
            agents[index].isOnline = false
            agents[index].statusChanged = now
            // One that has just come back is alive before it beats.
            let wasAlive = world.isAlive(index, time) && world.isAlive(index, time - Self.beat - Self.jitter)
            losses.append(Loss(agent: index, at: time, sign: agents[index].sign, wasAlive: wasAlive))
        }
    }

    // MARK: - Results for tests

    var falseLosses: Int { losses.count { $0.wasAlive } }

    /// The most that went within a minute.
    var mostAMinute: Int {
        let passes = Dictionary(grouping: losses, by: \.at).mapValues(\.count)
        return passes.keys.map { first in
            passes.reduce(0) { $0 + ($1.key >= first && $1.key < first + 60 ? $1.value : 0) }
        }.max() ?? 0
    }

    /// The longest time from the last liveness to being offline, once the grace of the start is over.
    var slowest: Double {
        losses.filter { $0.at > 2 * Self.period }.map { $0.at - $0.sign }.max() ?? 0
    }
}
