import Contracts
import Cron
import Foundation
import PlatformInternals
import Scheduler
import Testing

@Suite("What becomes of a slot")
struct FiringRuleTests {
    private static let noon = Date(timeIntervalSince1970: 1_800_000_000)  // 2027-01-15 08:00:00 UTC

    private func decide(_ change: (inout DueSchedule) -> Void = { _ in }, late: TimeInterval = 0.3)
        -> FiringRule.Outcome
    {
        var schedule = DueSchedule(expression: "*/10 * * * *", dueAt: Self.noon)
        change(&schedule)
        return FiringRule.decide(schedule, now: Self.noon.addingTimeInterval(late))
    }

    @Test("A slot that is due fires, and the next one is strictly later than now")
    func fires() {
        let outcome = decide()
        #expect(outcome.decision == .fire)
        #expect(outcome.next == Self.noon.addingTimeInterval(600))
    }

    @Test("However many slots passed, one run is fired for all of them")
    func missedOnce() {
        let outcome = decide(late: 3 * 3600 + 5)
        #expect(outcome.decision == .fire)
        #expect(outcome.next == Self.noon.addingTimeInterval(3 * 3600 + 600))
    }

    @Test("With `skip`, slots that passed are recorded with their number, and one that is in time is next")
    func missedSkip() {
        let outcome = decide({ $0.missed = .skip }, late: 3600 + 5)
        // 08:00, 08:10 ... 08:50; 09:00 is 5 s late.
        #expect(outcome.decision == .skip("skipped: 6 missed slots"))
        #expect(outcome.next == Self.noon.addingTimeInterval(3600))
        let second = decide(
            {
                $0.missed = .skip; $0.dueAt = Self.noon.addingTimeInterval(3600)
            }, late: 3600 + 5)
        #expect(second.decision == .fire)
    }

    @Test("With `skip`, nothing fires when the last slot that passed is late, too")
    func missedSkipAll() {
        let outcome = decide({ $0.missed = .skip }, late: 3600 + 300)
        #expect(outcome.decision == .skip("skipped: 7 missed slots"))
        #expect(outcome.next == Self.noon.addingTimeInterval(3600 + 600))
    }

    @Test("Missed slots of a schedule of seconds are counted no further than the limit")
    func missedMany() {
        let outcome = decide(
            {
                $0.missed = .skip; $0.expression = "@every 1s"
            }, late: 366 * 86_400 + 0.5)
        #expect(outcome.decision == .skip("skipped: at least 1000 missed slots"))
        #expect(outcome.next == Self.noon.addingTimeInterval(366 * 86_400 - 59))
    }

    @Test("A slot late by no more than the tolerance is in time")
    func tolerance() {
        #expect(decide({ $0.missed = .skip }, late: FiringRule.tolerance).decision == .fire)
        #expect(
            decide({ $0.missed = .skip }, late: FiringRule.tolerance + 0.1).decision == .skip("skipped: 1 missed slot"))
    }

    @Test("@every counts from its last due time", arguments: [(0.3, 90.0), (89.9, 90), (90, 180), (1000, 1080)])
    func every(late: TimeInterval, next: TimeInterval) {
        #expect(decide({ $0.expression = "@every 90s" }, late: late).next == Self.noon.addingTimeInterval(next))
    }

    @Test("A slot is left out while the run before it has not ended; or its run waits behind it, up to a limit")
    func overlap() {
        #expect(decide { $0.openRuns = 1 }.decision == .skip("skipped: previous run has not ended"))
        #expect(
            decide {
                $0.openRuns = 1; $0.overlap = .queue
            }.decision == .fire)
        let full = decide {
            $0.openRuns = Limits.waitingRuns; $0.overlap = .queue
        }
        #expect(full.decision == .skip("skipped: too many runs of this schedule are waiting"))
    }

    @Test("Only a workspace that takes messages is fired at", arguments: WorkspaceStatus.allCases)
    func status(_ status: WorkspaceStatus) {
        let outcome = decide { $0.status = status }
        switch status {
        case .online, .degraded, .provisioning: #expect(outcome.decision == .fire)
        default: #expect(outcome.decision == .skip("skipped: workspace is \(status.rawValue)"))
        }
        #expect(outcome.next == Self.noon.addingTimeInterval(600))
    }

    @Test("A runtime that fires its schedules itself is left to it, and the next slot moves on")
    func native() {
        let outcome = decide {
            $0.isNative = true; $0.status = .paused
        }
        #expect(outcome.decision == .pass)
        #expect(outcome.next == Self.noon.addingTimeInterval(600))
    }

    @Test("Slots from before the workspace's resumption fire nothing, later ones do")
    func resumed() {
        #expect(decide({ $0.resumedAt = Self.noon.addingTimeInterval(1) }, late: 2).decision == .pass)
        #expect(decide({ $0.resumedAt = Self.noon }, late: 2).decision == .pass)
        #expect(decide({ $0.resumedAt = Self.noon.addingTimeInterval(-1) }, late: 2).decision == .fire)
    }

    @Test("What cannot be computed any more is put off, and says why")
    func broken() {
        let zone = decide { $0.timezone = "Mars/Olympus" }
        #expect(zone.decision == .broken("invalid timezone: Mars/Olympus"))
        #expect(zone.next == Self.noon.addingTimeInterval(3600.3))
        guard case .broken(let reason) = decide({ $0.expression = "61 * * * *" }).decision else {
            Issue.record("not broken")
            return
        }
        #expect(reason.hasPrefix("invalid cron expression: minute"))
    }
}
