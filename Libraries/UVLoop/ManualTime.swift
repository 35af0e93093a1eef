import Concurrency

/// A loop's time that stands still until it is advanced, for tests of what waits. Loop thread only.
final class ManualTime {
    private struct Entry {
        let timer: LoopTimer.Context
        let due: UInt64
        /// Timers of one time fire in the order in which they were started.
        let order: Int
        let interval: UInt64?
    }

    /// In milliseconds.
    private(set) var now: UInt64 = 1000
    private var entries: [Entry] = []
    private var started = 0

    /// (Re)starts a timer.
    func start(_ timer: LoopTimer.Context, after delay: UInt64, repeating interval: UInt64?) {
        stop(timer)
        started += 1
        entries.append(Entry(timer: timer, due: now + delay, order: started, interval: interval))
    }

    func stop(_ timer: LoopTimer.Context) {
        entries.removeAll { $0.timer === timer }
    }

    /// Lets time pass, and calls the timers that become due, each at its time.
    func advance(by milliseconds: UInt64) {
        let end = now + milliseconds
        while let next = entries.min(by: { ($0.due, $0.order) < ($1.due, $1.order) }), next.due <= end {
            now = max(now, next.due)
            stop(next.timer)
            if let interval = next.interval { start(next.timer, after: interval, repeating: interval) }
            next.timer.handler()
        }
        now = end
    }
}

extension EventLoop {
    /// Lets the time of a loop that was made with `hasManualTime` pass, and calls the timers that become due.
    package func advance(by duration: Duration) async {
        await withCheckedContinuation { continuation in
            execute {
                guard let manualTime = self.manualTime else { preconditionFailure("the loop has the system's time") }
                manualTime.advance(by: duration.milliseconds)
                // Behind what the timers have set off.
                self.post { continuation.resume() }
            }
        }
    }
}
