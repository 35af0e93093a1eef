import Concurrency
import CRabbitMQ
import Observability

/// Runs on the publisher's thread: connects, sends, receives confirms, and reconnects.
///
/// Never leaves its thread. Split in two files: connecting and the send loop here, sending and confirms in
/// `PublisherSession`.
final class PublisherLoop {
    private let mailbox: PublisherMailbox
    private let addresses: [BrokerAddress]
    private let topology: AMQPTopology
    private let configuration: AMQPPublisher.Configuration
    private let calls: BlockingCallMonitor
    private let logger: Logger
    private let metrics: PublisherMetrics
    /// Not sent yet, in order of arrival, and so of deadlines.
    private var backlog = FIFO<PublishEntry>()

    init(
        mailbox: PublisherMailbox, addresses: [BrokerAddress], topology: AMQPTopology,
        configuration: AMQPPublisher.Configuration, calls: BlockingCallMonitor, logger: Logger,
        metrics: PublisherMetrics
    ) {
        self.mailbox = mailbox
        self.addresses = addresses
        self.topology = topology
        self.configuration = configuration
        self.calls = calls
        self.logger = logger
        self.metrics = metrics
    }

    func run() {
        var backoff = Backoff(initial: configuration.firstRetry, maximum: configuration.maxRetry, jitter: 0.5)
        var addressIndex = Int.random(in: 0..<addresses.count)
        while !hasToEnd {
            let address = addresses[addressIndex % addresses.count]
            do {
                let session = try connect(address)
                backoff.reset()
                mailbox.connection = .ready
                logger.info(
                    "connected to the message broker", [.host: .string(address.host), .port: .int(address.port)])
                try serve(session)
                break
            } catch {
                addressIndex += 1
                mailbox.connection = .failed(error.description)
                if backoff.shouldLog || error.code == .exception {
                    logger.warning(
                        "no connection to the message broker",
                        [.host: .string(address.host), .port: .int(address.port), .error: .string(error.description)])
                }
                pause(backoff.next())
            }
        }
        end()
    }

    func connect(_ address: BrokerAddress) throws(AMQPError) -> PublisherSession {
        let connection = try BrokerConnection(
            address: address, name: configuration.name, heartbeatSeconds: configuration.heartbeatSeconds,
            timeout: configuration.connectTimeout, calls: calls)
        try connection.openChannel(PublisherSession.confirmed)
        try connection.declare(topology, channel: PublisherSession.confirmed)
        amqp_confirm_select(connection.state, PublisherSession.confirmed)
        try amqp_get_rpc_reply(connection.state).check("ask for confirms")
        try connection.openChannel(PublisherSession.unconfirmed)
        metrics.connects.increment()
        return PublisherSession(
            connection: connection, configuration: configuration, mailbox: mailbox, metrics: metrics)
    }

    /// Returns when the publisher was stopped and everything is confirmed or out of time.
    private func serve(_ session: PublisherSession) throws(AMQPError) {
        do {
            while true {
                takeIncoming()
                try session.send(from: &backlog)
                try session.receive()
                expire()
                if mailbox.isStopping, (backlog.isEmpty && session.isSettled) || hasToEnd { break }
                try session.checkConfirmTimeout()
                session.wait(hasBacklog: !backlog.isEmpty)
                try session.receive()
            }
        } catch {
            session.abandon(error)
            throw error
        }
        session.abandon(AMQPError(.outcomeUnknown, "the publisher was stopped before the broker confirmed"))
        session.connection.close()
    }

    /// Stopped, and no time left or nothing left to wait for.
    private var hasToEnd: Bool {
        guard let stoppedAt = mailbox.stoppedAt else { return false }
        return backlog.isEmpty && mailbox.bufferedMessages == 0
            || MonotonicClock.milliseconds >= stoppedAt + Int64(configuration.stopGrace.milliseconds)
    }

    private func takeIncoming() {
        for entry in mailbox.take() { backlog.append(entry) }
    }

    /// Fails messages whose deadline has passed, whether or not the caller still waits.
    private func expire() {
        let now = MonotonicClock.milliseconds
        let reason = mailbox.connection.description
        while let entry = backlog.first, entry.deadline <= now {
            backlog.popFirst()
            finish(entry, AMQPError(.unavailable, "not sent within the deadline; the connection is \(reason)"))
        }
    }

    private func finish(_ entry: PublishEntry, _ error: AMQPError) {
        mailbox.release(messages: 1, bytes: entry.cost)
        if entry.ticket == nil { metrics.dropped.increment() }
        entry.ticket?.settle(entry.index, error)
    }

    /// Waits before the next attempt; deadlines are still enforced.
    private func pause(_ delay: Duration) {
        let end = MonotonicClock.milliseconds + Int64(delay.milliseconds)
        while !hasToEnd {
            takeIncoming()
            expire()
            let left = end - MonotonicClock.milliseconds
            guard left > 0 else { return }
            _ = mailbox.wakeup.wait(socket: nil, for: [], milliseconds: Int(min(left, 100)))
        }
    }

    private func end() {
        for entry in mailbox.close() { backlog.append(entry) }
        while let entry = backlog.popFirst() {
            finish(entry, AMQPError(.stopped, "the publisher was stopped"))
        }
    }
}
