import Foundation
import Sweeper
import Testing

@Suite("Liveness guard")
struct LivenessGuardTests {
    private static let period: TimeInterval = 180
    private let sut = LivenessGuard(period: period)
    private let start = Date(timeIntervalSince1970: 1_000_000)
    private let database = Date(timeIntervalSince1970: 999_000)

    private func seen(
        _ seconds: TimeInterval, running: Int, silent: Int, late: Int? = nil, heartbeatAge: TimeInterval? = 1,
        database: Date? = nil, fleet: Int? = nil
    ) -> LivenessGuard.Observation {
        let now = start.addingTimeInterval(seconds)
        return LivenessGuard.Observation(
            now: now, databaseStartedAt: database ?? self.database, running: running,
            late: late ?? silent, silent: silent, fleet: fleet ?? running,
            newestHeartbeatAt: heartbeatAge.map { now.addingTimeInterval(-$0) })
    }

    /// A state after quiet passes for longer than the grace.
    private func settled(running: Int = 100) -> GuardState {
        var state = GuardState()
        for second in stride(from: -400.0, through: 0, by: 5) {
            state = sut.decide(seen(second, running: running, silent: 0), state).state
        }
        return state
    }

    @Test("After a start every workspace has one period of grace")
    func grace() {
        var state = GuardState()
        for second in stride(from: 0.0, to: Self.period, by: 5) {
            let (decision, next) = sut.decide(seen(second, running: 5, silent: 2), state)
            #expect(decision.release == 0)
            #expect(decision.held == .grace)
            state = next
        }
        #expect(sut.decide(seen(Self.period, running: 5, silent: 2), state).decision.release == 2)
    }

    @Test("A database that was started anew begins a new grace")
    func failover() {
        let (decision, _) = sut.decide(
            seen(5, running: 100, silent: 3, database: start.addingTimeInterval(1)), settled())
        #expect(decision.held == .grace)
    }

    @Test("A few silent ones go at once", arguments: [(100, 20), (100, 1), (10, 3), (12, 3), (9, 9), (1, 1)])
    func fewGo(running: Int, silent: Int) {
        let (decision, _) = sut.decide(seen(5, running: running, silent: silent), settled(running: running))
        #expect(decision.release == silent)
        #expect(decision.held == nil)
    }

    @Test("More than a fifth at once are held for a period, then released at a tenth of the fleet a minute")
    func manyAreHeld() {
        var state = settled()
        var silent = 60
        var running = 100
        var released: [(second: TimeInterval, count: Int)] = []
        for second in stride(from: 5.0, through: Self.period + 185, by: 5) {
            let (decision, next) = sut.decide(seen(second, running: running, silent: silent), state)
            state = next
            if decision.release > 0 { released.append((second, decision.release)) }
            silent -= decision.release
            running -= decision.release
        }
        #expect(released.first.map { $0.second >= Self.period + 5 } == true)
        let total = released.reduce(0) { $0 + $1.count }
        // Three minutes and the first bucket: never more than a tenth of the fleet for each.
        #expect(total > 10 && total <= 40)
    }

    @Test("When they come back, the remaining ones have a period from then on; then the guard resets")
    func recovery() {
        var (decision, state) = sut.decide(seen(5, running: 100, silent: 60), settled())
        #expect(decision.held == .tooMany && decision.release == 0)
        var released: [TimeInterval] = []
        for second in stride(from: 10.0, through: 400, by: 5) where released.isEmpty {
            (decision, state) = sut.decide(seen(second, running: 100, silent: 2), state)
            if decision.release > 0 { released.append(second) }
        }
        #expect(released == [Self.period + 5])
        #expect(decision == LivenessGuard.Decision(release: 2, held: nil))
        #expect(state.heldSince == nil)
    }

    @Test("Many that are late are a sign, before the first of them is silent; there is nothing to hold then")
    func late() {
        var (decision, state) = sut.decide(seen(5, running: 100, silent: 0, late: 60), settled())
        #expect(decision == LivenessGuard.Decision(release: 0, held: nil))
        #expect(state.heldSince == nil)
        (decision, state) = sut.decide(seen(10, running: 100, silent: 5, late: 60), state)
        #expect(decision == LivenessGuard.Decision(release: 0, held: .tooMany))
        #expect(state.heldSince == start.addingTimeInterval(10))
    }

    @Test("Ingest is shared: the few of one scope are held when the other has no heartbeats either")
    func otherScope() {
        let held = sut.decide(
            seen(5, running: 4, silent: 4, heartbeatAge: 100, fleet: 200), settled(running: 4)
        ).decision
        #expect(held.held == .ingest)
        let own = sut.decide(seen(5, running: 4, silent: 4, heartbeatAge: 100), settled(running: 4)).decision
        #expect(own.release == 4)
    }

    @Test("A pass of another instance that began a little earlier does no harm")
    func outOfOrder() {
        var state = sut.decide(seen(5, running: 100, silent: 60), settled()).state
        for second in stride(from: 10.0, through: 600, by: 5) {
            state = sut.decide(seen(second, running: 100, silent: 60), state).state
            let (decision, next) = sut.decide(seen(second - 0.5, running: 100, silent: 60), state)
            #expect(decision.release == 0 || second > Self.period)
            #expect(next.graceSince == nil)
            state = next
        }
    }

    @Test("A hold outlives a failover of the database, which adds a grace")
    func heldThroughFailover() {
        let (_, held) = sut.decide(seen(5, running: 100, silent: 60), settled())
        let newer = start.addingTimeInterval(8)
        var (decision, state) = sut.decide(seen(10, running: 100, silent: 60, database: newer), held)
        #expect(decision.held == .grace && state.heldSince == held.heldSince)
        for second in stride(from: 15.0, through: 10 + Self.period, by: 5) {
            (decision, state) = sut.decide(seen(second, running: 100, silent: 60, database: newer), state)
            #expect(decision.release == 0)
        }
        (decision, state) = sut.decide(seen(20 + Self.period, running: 100, silent: 60, database: newer), state)
        #expect(decision.held == .tooMany && decision.release == 1)
    }

    @Test(
        "A release by hand holds for one period", arguments: [(-1.0, false), (0, true), (179, true), (180, false)])
    func byHand(age: TimeInterval, isValid: Bool) {
        let release = GuardState.ManualRelease(at: start, by: "admin")
        #expect(release.isValid(at: start.addingTimeInterval(age), for: Self.period) == isValid)
    }

    @Test("No heartbeat of anyone for a period: nothing is released, however long it lasts")
    func silence() {
        var state = settled()
        for second in stride(from: 5.0, through: 2000, by: 5) {
            let (decision, next) = sut.decide(
                seen(second, running: 100, silent: 100, heartbeatAge: 200 + second), state)
            #expect(decision.release == 0)
            state = next
        }
    }

    @Test("Ingest that was slow within the last period holds even a few")
    func slowIngest() {
        let (_, state) = sut.decide(seen(5, running: 100, silent: 0, heartbeatAge: 60), settled())
        let (decision, _) = sut.decide(seen(10, running: 100, silent: 2), state)
        #expect(decision.release == 0)
        #expect(decision.held == .ingest)
    }
}
