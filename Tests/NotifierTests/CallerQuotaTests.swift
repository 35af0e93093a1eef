import Authentication
import Foundation
import Testing
import TestSupport
import UVLoop

@testable import Notifier

@Suite("What callers share")
struct CallerQuotaTests {
    private let quota = CallerQuota(total: 10) { $0.isWorkspace ? 4 : 10 }
    private let one = Identity.workspace(UUID())
    private let other = Identity.workspace(UUID())

    private func refusal(_ amount: Int, _ caller: Identity) -> CallerQuota.Refusal? {
        do throws(CallerQuota.Refusal) {
            _ = try quota.take(amount, for: caller)
            return nil
        } catch {
            return error
        }
    }

    @Test("each has its part, all have the whole, and what is given back can be taken again")
    func parts() throws {
        var held = [try quota.take(4, for: one)]
        #expect(refusal(1, one) == .caller)
        held.append(try quota.take(4, for: other))
        #expect(refusal(3, .admin) == .everyone)
        #expect(refusal(2, .admin) == nil)
        held.removeFirst()
        #expect(refusal(4, one) == nil)
        held = []
        #expect(quota.taken == 0)
        // More than its part, alone, is let through: it could never come otherwise.
        #expect(refusal(7, one) == nil)
    }

    @Test("a larger actual size is counted, a smaller one is released")
    func resizing() throws {
        let held = try quota.take(4, for: one)
        held.resize(to: 1)
        #expect(quota.taken == 1)
        #expect(refusal(3, one) == nil)
        held.resize(to: 30)
        #expect(quota.taken == 30)
        #expect(refusal(1, one) == .caller)
        #expect(refusal(1, other) == .everyone)
    }

    @Test("waiters are served in order; no caller waits for another's excess")
    func waiting() async throws {
        let loops = EventLoopGroup(count: 1)
        defer { loops.shutdown() }
        let (quota, one, other, loop) = (quota, one, other, loops.loops[0])
        var held: Reservation? = try quota.take(4, for: one)
        let own = Task { try await quota.take(2, for: one, within: .seconds(60), on: loop) }
        try await eventually("one waits") { quota.waiting == 1 }
        let free = try await quota.take(4, for: other, within: .seconds(60), on: loop)
        #expect(quota.waiting == 1)
        // One that waits already goes first.
        #expect(refusal(1, one) == .caller)
        withExtendedLifetime(held) {}
        held = nil
        let got = try await own.value
        #expect(quota.taken == 6)
        withExtendedLifetime((free, got)) {}
    }

    @Test("a wait that times out says whose usage is the cause")
    func tooLong() async throws {
        let loops = EventLoopGroup(count: 1)
        defer { loops.shutdown() }
        let held = [try quota.take(4, for: one), try quota.take(6, for: .admin)]
        await #expect(throws: CallerQuota.Refusal.caller) {
            try await quota.take(1, for: one, within: .milliseconds(1), on: loops.loops[0])
        }
        await #expect(throws: CallerQuota.Refusal.everyone) {
            try await quota.take(1, for: other, within: .milliseconds(1), on: loops.loops[0])
        }
        #expect(quota.waiting == 0)
        withExtendedLifetime(held) {}
    }
}
