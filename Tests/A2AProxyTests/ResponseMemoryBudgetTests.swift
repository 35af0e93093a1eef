import A2AProxy
import Authentication
import Foundation
import Testing
import TestSupport

@Suite struct ResponseMemoryBudgetTests {
    private func share(_ budget: ResponseMemoryBudget, _ bytes: Int, for caller: ReservationOwner = .queue) async
        -> MemoryReservation?
    {
        let share = budget.makeReservation(for: caller)
        return await share.grow(to: bytes, ofAtMost: bytes, within: .seconds(60)) ? share : nil
    }

    @Test func isReleasedWithTheResponse() async {
        let budget = ResponseMemoryBudget(bytes: 100, perCaller: 100)
        var share = await share(budget, 60)
        #expect(budget.bytesLeft == 40)
        share?.shrink(to: 10)
        #expect(budget.bytesLeft == 90)
        share = nil
        #expect(budget.bytesLeft == 100)
    }

    @Test func whatHasNotComeTakesNothing() async {
        let budget = ResponseMemoryBudget(bytes: 10 << 20, perCaller: 10 << 20)
        var shares: [MemoryReservation] = []
        for _ in 0..<40 {
            let share = budget.makeReservation()
            #expect(await share.grow(to: 70_000, ofAtMost: 10 << 20, within: .zero))
            shares.append(share)
        }
        #expect(budget.bytesLeft >= 5 << 20)
        #expect(await shares[0].grow(to: 2 << 20, ofAtMost: 10 << 20, within: .zero))
        #expect(await shares[0].grow(to: 3 << 20, ofAtMost: 10 << 20, within: .zero))
        // As much again as it had: 2 MiB of steps before the last.
        #expect(budget.bytesLeft < 2 << 20)
        withExtendedLifetime(shares) {}
    }

    @Test func oneMayGoBeyondAndOnlyOne() async {
        let budget = ResponseMemoryBudget(bytes: 100, perCaller: 100)
        var large = await share(budget, 1000)
        #expect(budget.bytesLeft == -900)
        #expect(await !budget.makeReservation().grow(to: 1, ofAtMost: 1, within: .zero))
        #expect(await large?.grow(to: 1100, ofAtMost: 1100, within: .zero) == true)
        // It fits again: the next one may go beyond, though the first is still held.
        large?.shrink(to: 50)
        let next = await share(budget, 101)
        #expect(budget.bytesLeft == -51)
        withExtendedLifetime(next) {}
        large = nil
        #expect(budget.bytesLeft == -1)
    }

    @Test func whoComesLaterWaitsForThoseBefore() async throws {
        let budget = ResponseMemoryBudget(bytes: 100, perCaller: 100)
        let first = await share(budget, 60)
        var beyond = await share(budget, 90)
        let large = Task { await share(budget, 80) }
        try await eventually("the large one to wait") { budget.waiting == 1 }
        let small = Task { await share(budget, 10) }
        try await eventually("the small one to wait") { budget.waiting == 2 }
        // Now the small one would fit: the large one is before it, and goes beyond.
        first?.shrink(to: 0)
        #expect(budget.bytesLeft == -70)
        #expect(budget.waiting == 1)
        withExtendedLifetime(beyond) {}
        beyond = nil
        #expect(budget.waiting == 0)
        #expect(budget.bytesLeft == 10)
        #expect(await large.value != nil)
        #expect(await small.value != nil)
    }

    @Test func whoIsCancelledWaitsNoLonger() async throws {
        let budget = ResponseMemoryBudget(bytes: 100, perCaller: 100)
        let beyond = await share(budget, 200)
        let waiter = Task { await budget.makeReservation().grow(to: 10, ofAtMost: 10, within: .seconds(3600)) }
        try await eventually("it to wait") { budget.waiting == 1 }
        waiter.cancel()
        try await eventually("it to give up") { budget.waiting == 0 }
        #expect(await !waiter.value)
        // Before it waits, too.
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await budget.makeReservation().grow(to: 10, ofAtMost: 10, within: .seconds(60))
        }
        #expect(await !late.value)
        withExtendedLifetime(beyond) {}
    }

    /// Responses that their caller does not read fill its share, and one exceeds it; other callers' are not delayed.
    @Test func aSlowReaderDelaysNoOtherCaller() async throws {
        let budget = ResponseMemoryBudget(bytes: 800)
        let (slow, other) = (ReservationOwner.caller(.workspace(UUID())), ReservationOwner.caller(.workspace(UUID())))
        var held = [await share(budget, 60, for: slow), await share(budget, 90, for: slow)]
        #expect(budget.bytesLeft == 650)
        let next = Task { await share(budget, 10, for: slow) != nil }
        try await eventually("its next response to wait") { budget.waiting == 1 }
        for caller in [other, ReservationOwner.queue] {
            let taken = [await share(budget, 90, for: caller), await share(budget, 20, for: caller)]
            #expect(!taken.contains { $0 == nil })
        }
        #expect(budget.waiting == 1)
        held.removeLast()
        #expect(await next.value)
        held = []
        try await eventually("everything to be given back") { budget.bytesLeft == 800 }
    }

    @Test func callersAlternate() async throws {
        let budget = ResponseMemoryBudget(bytes: 100, perCaller: 100)
        var beyond = await share(budget, 200)
        let callers = (0..<2).map { _ in ReservationOwner.caller(.workspace(UUID())) }
        var tasks: [Task<MemoryReservation?, Never>] = []
        for (number, caller) in [callers[0], callers[0], callers[1]].enumerated() {
            tasks.append(Task { await share(budget, 90, for: caller) })
            try await eventually("it to wait") { budget.waiting == number + 1 }
        }
        withExtendedLifetime(beyond) {}
        beyond = nil
        // Two go at once, one of them beyond: the first of each.
        var taken = [await tasks[0].value, await tasks[2].value]
        #expect(!taken.contains { $0 == nil })
        #expect(budget.waiting == 1)
        // A task keeps its value as well.
        let last = tasks[1]
        (taken, tasks) = ([], [])
        #expect(await last.value != nil)
    }

    @Test(arguments: [1, 2, 20]) func growingResponsesDoNotWaitForEachOther(callers: Int) async {
        let budget = ResponseMemoryBudget(bytes: 1 << 20)
        let callers = (0..<callers).map { _ in ReservationOwner.caller(.workspace(UUID())) }
        let ended = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<60 {
                group.addTask {
                    let share = budget.makeReservation(for: callers[number % callers.count])
                    for length in stride(from: 1 << 17, through: 1 << 20, by: 1 << 17) {
                        guard await share.grow(to: length, ofAtMost: 1 << 20, within: .seconds(60)) else {
                            return false
                        }
                        await Task.yield()
                    }
                    return true
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(ended == 60)
        #expect(budget.bytesLeft == 1 << 20)
    }
}
