import ServiceLifecycle
import Synchronization
import Testing
import TestSupport
import UVLoop

@Suite("Work at intervals", .timeLimit(.minutes(5)))
struct PeriodicServiceTests {
    private struct Failure: Error {}

    /// Counts the runs that were begun.
    private final class RunCounter: Sendable {
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
        _ body: (RunCounter) async throws -> Void
    ) async throws {
        let group = EventLoopGroup(count: 1)
        defer { group.shutdown() }
        let (runs, shutdown) = (RunCounter(), ShutdownSignal())
        let service = PeriodicService("turns", every: interval, on: group.loops[0]) { try await work(runs.begin()) }
        async let run: Void = service.run(until: shutdown)
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await body(runs)) } catch { outcome = .failure(error) }
        shutdown.give()
        try await run
        try outcome.get()
    }

    @Test("It makes one run after the other")
    func runs() async throws {
        try await with(every: .milliseconds(5)) { _ in
        } _: { runs in
            try await eventually("three turns") { runs.count >= 3 }
        }
    }

    @Test("A shutdown does not wait for the interval")
    func shutdownWithinAnInterval() async throws {
        let start = ContinuousClock.now
        try await with(every: .seconds(3600)) { _ in
        } _: { runs in
            try await eventually("the first run") { runs.count == 1 }
        }
        #expect(start.duration(to: .now) < .seconds(30))
    }

    @Test("What failed is tried again long before the interval is over")
    func failure() async throws {
        try await with(every: .seconds(3600)) { number in
            if number == 1 { throw Failure() }
        } _: { runs in
            try await eventually("the second run") { runs.count == 2 }
        }
    }

    @Test("A shutdown cancels the current run, and waits for its end")
    func shutdownWithinARun() async throws {
        let hasEnded = Flag()
        try await with(every: .zero) { _ in
            try? await Task.sleep(for: .seconds(3600))
            if Task.isCancelled { hasEnded.raise() }
        } _: { runs in
            try await eventually("the run to begin") { runs.count == 1 }
        }
        #expect(hasEnded.isRaised)
    }
}
