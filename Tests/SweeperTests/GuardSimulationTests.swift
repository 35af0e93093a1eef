import Foundation
import Sweeper
import Testing
import TestSupport

/// What becomes of fleets when something breaks: theirs, or ours.
@Suite("Liveness guard over a simulated fleet")
struct GuardSimulationTests {
    private static let count = 10_000
    /// A pass more than what makes an agent silent.
    private static let inTime = SimulatedFleet.period + 5
    /// When it happens: the grace of the start is long over.
    private static let incident = 600.0
    private static let seed: UInt64 = 20

    private typealias World = SimulatedFleet.World

    private static func run(
        _ count: Int = count, until end: Double = 2400, _ change: (inout World) -> Void
    ) -> SimulatedFleet {
        var world = World()
        change(&world)
        var fleet = SimulatedFleet(count, seed: seed, world)
        fleet.run(until: end)
        return fleet
    }

    // MARK: - They die

    @Test("A few that die are found within the period and a pass, and no workspace is held")
    func few() {
        let fleet = Self.run(until: 1200) { $0.isAlive = { $0 >= 1500 || $1 < Self.incident } }
        #expect(fleet.losses.count == 1500 && fleet.falseLosses == 0)
        #expect(fleet.slowest <= Self.inTime)
        #expect(fleet.held.isEmpty)
    }

    @Test("Half of them dying at once are held for a period, then go, a tenth of the fleet a minute")
    func half() throws {
        let fleet = Self.run(until: 2000) { $0.isAlive = { $0 % 2 == 0 || $1 < Self.incident } }
        #expect(fleet.losses.count == 5000 && fleet.falseLosses == 0)
        // The first to fall silent had beaten 30 s before.
        let first = try #require(fleet.losses.first?.at)
        #expect(
            first >= Self.incident + 2 * SimulatedFleet.period - 35
                && first <= Self.incident + 2 * SimulatedFleet.period)
        #expect(fleet.mostAMinute <= Self.count / 10)
        #expect(fleet.mostAMinute >= Self.count / 11, "and not much slower")
        #expect(fleet.held.allSatisfy { $0.reason == .tooMany })
    }

    @Test("All of them dying is taken for the platform's fault, for as long as no heartbeat arrives")
    func all() {
        let fleet = Self.run(until: 4000) { $0.isAlive = { $1 < Self.incident } }
        #expect(fleet.losses.isEmpty)
        #expect(fleet.held.last?.reason == .silence)
    }

    @Test("A trickle below the limit passes")
    func trickle() {
        // A twentieth of the fleet a minute, a third of it in the end.
        let fleet = Self.run(until: 1400) { world in
            world.isAlive = { agent, time in agent >= 3500 || time < Self.incident + Double(agent) * 0.12 }
        }
        #expect(fleet.losses.count == 3500 && fleet.falseLosses == 0)
        #expect(fleet.slowest <= Self.inTime)
        #expect(fleet.held.isEmpty)
    }

    @Test("A fleet below ten is not guarded")
    func small() {
        let fleet = Self.run(9) { $0.isAlive = { $0 >= 6 || $1 < Self.incident } }
        #expect(fleet.losses.count == 6 && fleet.slowest <= Self.inTime)
    }

    @Test("A fleet of ten: three go at once, four are held for a period")
    func smallest() throws {
        let three = Self.run(10) { $0.isAlive = { $0 >= 3 || $1 < Self.incident } }
        #expect(three.losses.count == 3 && three.slowest <= Self.inTime)
        let four = Self.run(10) { $0.isAlive = { $0 >= 4 || $1 < Self.incident } }
        #expect(four.losses.count == 4 && four.falseLosses == 0)
        #expect(try #require(four.losses.first?.at) >= Self.incident + 2 * SimulatedFleet.period - 35)
        // One a minute; when but three are left for a period, the guard lets go.
        #expect(four.mostAMinute <= 2)
    }

    @Test("Agents that come and go are taken offline and come back, without anything being held")
    func flapping() {
        let fleet = Self.run { world in
            world.isAlive = { agent, time in agent >= 1500 || Int(time + Double(agent) * 7) % 600 < 300 }
        }
        #expect(fleet.losses.count > 1500)
        #expect(fleet.falseLosses == 0)
        #expect(fleet.held.allSatisfy { $0.reason == .grace })
        #expect(fleet.slowest <= Self.inTime)
    }

    // MARK: - We are broken

    @Test("Ingest that is away for ten minutes takes none offline", arguments: [50.0, 100, 200, 600])
    func ingestAway(_ seconds: Double) {
        let fleet = Self.run { $0.isHeard = { $1 < Self.incident || $1 > Self.incident + seconds } }
        #expect(fleet.losses.isEmpty)
    }

    @Test("Those who died while ingest was away are found a period after it came back")
    func diedMeanwhile() {
        let fleet = Self.run { world in
            world.isHeard = { $1 < Self.incident || $1 > Self.incident + 600 }
            world.isAlive = { $0 >= 1000 || $1 < Self.incident + 300 }
        }
        #expect(fleet.losses.count == 1000 && fleet.falseLosses == 0)
        #expect(fleet.losses.allSatisfy { $0.at <= Self.incident + 600 + 2 * SimulatedFleet.period })
    }

    @Test("One of two registries away for five minutes takes none offline", arguments: [60.0, 170, 240, 300])
    func partition(_ seconds: Double) {
        let fleet = Self.run { world in
            world.isHeard = { agent, time in
                agent % 2 == 0 || time < Self.incident || time > Self.incident + seconds
            }
        }
        #expect(fleet.losses.isEmpty)
    }

    @Test("Away for longer, half of the fleet looks dead: a tenth a minute goes, and all are back with a beat")
    func longPartition() throws {
        let end = Self.incident + 600
        let fleet = Self.run { world in
            world.isHeard = { agent, time in agent % 2 == 0 || time < Self.incident || time > end }
        }
        #expect(try #require(fleet.losses.first?.at) >= Self.incident + 2 * SimulatedFleet.period - 35)
        #expect(fleet.mostAMinute <= Self.count / 10)
        #expect(try #require(fleet.losses.last?.at) <= end + 35)
        #expect(fleet.offline == 0)
    }

    @Test("Ingest that takes one beat in four takes none offline in four minutes, and later a tenth a minute")
    func slowIngest() {
        func slow(for seconds: Double) -> SimulatedFleet {
            Self.run { world in
                world.isHeard = { agent, time in
                    if time < Self.incident || time > Self.incident + seconds { return true }
                    var random = SeededGenerator(seed: UInt64(agent) << 32 | UInt64(time))
                    return random.next() % 4 == 0
                }
            }
        }
        #expect(slow(for: 240).losses.isEmpty)
        let long = slow(for: 900)
        #expect(!long.losses.isEmpty)
        #expect(long.losses.allSatisfy { $0.at >= Self.incident + 2 * SimulatedFleet.period - 35 })
        #expect(long.mostAMinute <= Self.count / 10)
        #expect(long.offline == 0)
    }

    @Test("A database that fails over takes none offline, and the dead are found a period later")
    func failover() {
        let back = Self.incident + 30
        let fleet = Self.run { world in
            world.isHeard = { $1 < Self.incident || $1 > back }
            world.isSwept = { $0 < Self.incident || $0 > back }
            world.databaseStart = { $0 < back ? -10_000 : back }
            world.isAlive = { $0 >= 50 || $1 < Self.incident - 150 }
        }
        #expect(fleet.losses.count == 50 && fleet.falseLosses == 0)
        #expect(
            fleet.losses.allSatisfy {
                $0.at >= back + SimulatedFleet.period && $0.at <= back + SimulatedFleet.period + 35
            })
    }

    @Test("A sweeper that was away for ten minutes begins with a period of grace")
    func sweeperAway() {
        let back = Self.incident + 600
        let fleet = Self.run { world in
            world.isSwept = { $0 < Self.incident || $0 > back }
            world.isAlive = { $0 >= 100 || $1 < Self.incident + 100 }
        }
        #expect(fleet.losses.count == 100 && fleet.falseLosses == 0)
        #expect(
            fleet.losses.allSatisfy {
                $0.at > back + SimulatedFleet.period && $0.at < back + SimulatedFleet.period + 15
            })
    }

    @Test("After a night off no agent that comes back within the grace is taken offline")
    func nightOff() {
        var world = World()
        // They come back in the course of two minutes; ten died in the night.
        world.isAlive = { agent, _ in agent >= 10 }
        world.isHeard = { agent, time in time > Double(agent % 120) }
        var state = GuardState()
        state.lastPassAt = Date(timeIntervalSince1970: -36_000)
        state.databaseStartedAt = Date(timeIntervalSince1970: -10_000)
        var fleet = SimulatedFleet(Self.count, seed: Self.seed, lastSeen: -36_000, state: state, world)
        fleet.run(until: 1200)
        #expect(fleet.losses.count == 10 && fleet.falseLosses == 0)
        #expect(fleet.losses.allSatisfy { $0.at >= SimulatedFleet.period })
    }

    @Test("A clock that is set takes none offline, and the dead are found all the same", arguments: [-3600.0, 3600])
    func clock(_ jump: Double) {
        let fleet = Self.run { world in
            world.clock = { $0 < Self.incident ? 0 : jump }
            world.isAlive = { $0 >= 20 || $1 < Self.incident + 100 }
        }
        #expect(fleet.losses.count == 20 && fleet.falseLosses == 0)
    }
}
