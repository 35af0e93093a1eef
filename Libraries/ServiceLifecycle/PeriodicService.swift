import Concurrency
import UVLoop

/// Repeats some work until shutdown: at an interval, after a failure with back-off.
package struct PeriodicService: GracefulService {
    package let name: String
    private let pause: @Sendable () -> Duration
    private let longestBackoff: Duration
    private let loop: EventLoop
    private let work: @Sendable () async throws -> Void

    /// - Parameters:
    ///   - interval: from the end of one run to the beginning of the next. After a failure 1 s and then longer, up to
    ///     30 s, whatever the interval is.
    ///   - longestBackoff: in place of the 30 s.
    ///   - loop: where the work runs.
    ///   - work: what to do; reports its failures itself. A shutdown cancels it and waits for its end.
    package init(
        _ name: String, every interval: Duration, longestBackoff: Duration = .seconds(30), on loop: EventLoop,
        _ work: @escaping @Sendable () async throws -> Void
    ) {
        self.init(name, longestBackoff: longestBackoff, on: loop, pause: { interval }, work)
    }

    /// - Parameter pause: from the end of a successful run to the beginning of the next, evaluated each time.
    package init(
        _ name: String, longestBackoff: Duration = .seconds(30), on loop: EventLoop,
        pause: @escaping @Sendable () -> Duration,
        _ work: @escaping @Sendable () async throws -> Void
    ) {
        self.name = name
        self.longestBackoff = longestBackoff
        self.pause = pause
        self.loop = loop
        self.work = work
    }

    package func run(until shutdown: ShutdownSignal) async throws {
        try await shutdown.cancelling(on: loop) { await repeatWork() }
    }

    private func repeatWork() async {
        var backoff = Backoff(initial: .seconds(1), maximum: longestBackoff)
        while !Task.isCancelled {
            let pause: Duration
            do {
                try await work()
                backoff.reset()
                pause = self.pause()
            } catch {
                pause = backoff.next()
            }
            guard (try? await loop.sleep(for: pause)) != nil else { return }
        }
    }
}
