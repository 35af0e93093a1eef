import Foundation
import Provisioning
import Testing

@testable import Lifecycle

/// What follows from a provisioner's error.
@Suite("Job rules")
struct JobRuleTests {
    private func job(_ kind: LifecycleJob.Kind, attempts: Int = 0) -> LifecycleJob {
        LifecycleJob(
            id: UUID(), workspace: UUID(), kind: kind, attempts: attempts, claimNumber: 1, removesVolume: false)
    }

    @Test("A start is tried again while the engine is away, and fails after the eighth time")
    func transientStart() {
        let error = ProvisioningError(.unavailable, .start)
        for attempts in 0..<7 {
            #expect(JobRule.outcome(of: error, job(.start, attempts: attempts)) == .again("workspace start failed"))
        }
        #expect(JobRule.outcome(of: error, job(.restart, attempts: 7)) == .startFailed("workspace start failed"))
    }

    @Test(
        "What the engine refuses fails at once", arguments: [ProvisioningError.Kind.refused, .imageMissing, .invalid])
    func refusedStart(_ kind: ProvisioningError.Kind) {
        #expect(
            JobRule.outcome(of: ProvisioningError(kind, .start), job(.start)) == .startFailed("workspace start failed"))
    }

    @Test("A stop is retried without limit", arguments: [0, 10, 1000])
    func stop(_ attempts: Int) {
        let error = ProvisioningError(.refused, .stop)
        #expect(JobRule.outcome(of: error, job(.remove, attempts: attempts)) == .again("workspace stop failed"))
    }

    @Test("The pause doubles up to five minutes")
    func delays() {
        #expect(JobRule.delay(attempts: 1, unit: 0.5) == 1)
        #expect(JobRule.delay(attempts: 4, unit: 0.5) == 8)
        #expect(JobRule.delay(attempts: 5000, unit: 0.5) == 300)
        #expect(JobRule.delay(attempts: 3, unit: 0) == 3)
        #expect(JobRule.delay(attempts: 3, unit: 1) == 5)
    }
}
