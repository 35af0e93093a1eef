import Concurrency

/// Keeps the time for a publisher on a thread of its own, since the connection's thread may be stuck: ends waits at
/// their deadlines, and calls of librabbitmq that last too long.
final class PublisherWatchdog: Sendable {
    private let mailbox: PublisherMailbox
    private let calls: BlockingCallMonitor
    private let configuration: AMQPPublisher.Configuration
    private let wakeup = EventFD()

    init(mailbox: PublisherMailbox, calls: BlockingCallMonitor, configuration: AMQPPublisher.Configuration) {
        self.mailbox = mailbox
        self.calls = calls
        self.configuration = configuration
    }

    /// Returns once the mailbox is closed and `stop` was called.
    func run() {
        // Whoever comes between two looks has a deadline that is at least this far away.
        let interval = min(500, max(10, Int64(configuration.deadline.milliseconds) / 2))
        while true {
            let next = mailbox.expire(now: MonotonicClock.milliseconds)
            calls.end(after: callLimit)
            if mailbox.isClosed { return }
            let pause = next.map { min(interval, max(1, $0 - MonotonicClock.milliseconds)) } ?? interval
            _ = wakeup.wait(socket: nil, for: [], milliseconds: Int(pause))
        }
    }

    func stop() { wakeup.wake() }

    private var callLimit: Int64 {
        let limit = Int64(configuration.sendTimeout.milliseconds)
        return mailbox.isStopping ? min(limit, Int64(configuration.stopGrace.milliseconds)) : limit
    }
}
