import EventLoop
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@Suite("Work at intervals", .timeLimit(.minutes(5)))
struct PeriodicServiceTests {
    private struct Failure: Error {}

    /// Counts the turns that were begun.
    private final class Turns: Sendable {
        private let number = Mutex(0)
        var count: Int { number.withLock { $0 } }

        func begin() -> Int {
            number.withLock { number in
                number += 1
                return number
            }
        }
    }

    private final class Flag: Sendable {
        private let raised = Atomic<Bool>(false)
        var isRaised: Bool { raised.load(ordering: .acquiring) }
        func raise() { raised.store(true, ordering: .releasing) }
    }

    /// Runs a service beside a test, shuts it down, and waits for its end.
    private func with(
        every interval: Duration, _ work: @escaping @Sendable (Int) async throws -> Void,
        _ body: (Turns) async throws -> Void
    ) async throws {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let (turns, shutdown) = (Turns(), ShutdownSignal())
        let service = PeriodicService("turns", every: interval, on: group.loops[0]) { try await work(turns.begin()) }
        async let run: Void = service.run(until: shutdown)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(turns)) } catch { outcome = .failure(error) }
        shutdown.give()
        try await run
        try outcome.get()
    }

    @Test("It takes one turn after the other")
    func turns() async throws {
        try await with(every: .milliseconds(5)) { _ in
        } _: { turns in
            try await eventually("three turns") { turns.count >= 3 }
        }
    }

    @Test("A shutdown does not wait for the interval")
    func shutdownWithinAnInterval() async throws {
        let start = ContinuousClock.now
        try await with(every: .seconds(3600)) { _ in
        } _: { turns in
            try await eventually("the first turn") { turns.count == 1 }
        }
        #expect(start.duration(to: .now) < .seconds(30))
    }

    @Test("What failed is tried again long before the interval is over")
    func failure() async throws {
        try await with(every: .seconds(3600)) { turn in
            if turn == 1 { throw Failure() }
        } _: { turns in
            try await eventually("the second turn") { turns.count == 2 }
        }
    }

    @Test("A shutdown cancels the turn at hand, and waits for its end")
    func shutdownWithinATurn() async throws {
        let hasEnded = Flag()
        try await with(every: .zero) { _ in
            try? await Task.sleep(for: .seconds(3600))
            if Task.isCancelled { hasEnded.raise() }
        } _: { turns in
            try await eventually("the turn to begin") { turns.count == 1 }
        }
        #expect(hasEnded.isRaised)
    }
}
