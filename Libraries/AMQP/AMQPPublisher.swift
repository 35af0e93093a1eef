import Concurrency
import Observability

/// Publishes to one broker at a time of a list, with publisher confirms, from a thread of its own.
///
/// Many callers share the connection: thousands of messages may be unconfirmed at the same time. What was not sent
/// when a connection is lost waits for the next one; what was sent and not confirmed fails with `outcomeUnknown`, and
/// callers that must not lose it publish it again.
package final class AMQPPublisher: Sendable {
    package struct Configuration: Sendable {
        /// Shown in the broker's list of connections.
        package var name = "switchyard publisher"
        /// How long `publish` waits for a connection, capacity and the confirm together.
        package var deadline: Duration = .seconds(10)
        /// Messages sent and not confirmed.
        package var maxInFlight = 4096
        /// Messages accepted and not confirmed or failed; beyond, `publish` fails at once with `overloaded`.
        package var maxBuffered = 50_000
        /// The same limit in bytes of bodies (and 256 bytes for each message).
        package var maxBufferedBytes = 128 << 20
        /// The largest body. A message crosses the broker whole, and holds up those behind it.
        package var maxBody = 16 << 20
        /// Seconds between heartbeats; the connection is closed after two of them without data.
        package var heartbeatSeconds = 10
        /// For connecting, the handshake and each declaration.
        package var connectTimeout: Duration = .seconds(5)
        package var firstRetry: Duration = .milliseconds(100)
        package var maxRetry: Duration = .seconds(5)
        /// The publisher reconnects to a broker that sends heartbeats but no confirms for so long.
        package var confirmTimeout: Duration = .seconds(30)
        /// A connection on which sending one message takes longer is closed: the broker has stopped reading.
        package var sendTimeout: Duration = .seconds(10)
        /// How long a stop waits for confirms.
        package var stopGrace: Duration = .seconds(5)

        package init() {}
    }

    package let configuration: Configuration
    private let addresses: [BrokerAddress]
    private let topology: AMQPTopology
    private let logger: Logger
    private let metrics: PublisherMetrics
    private let mailbox: PublisherMailbox

    /// - Parameters:
    ///   - urls: `amqp://` or `amqps://` URLs, comma separated; tried in turn.
    ///   - topology: declared on every connection before the first message.
    /// - Throws: `.invalid` for a bad URL.
    package init(
        urls: String, topology: AMQPTopology = AMQPTopology(), configuration: Configuration = Configuration(),
        logger: Logger, metrics: MetricsRegistry
    ) throws(AMQPError) {
        addresses = try BrokerAddress.list(urls)
        self.topology = topology
        self.configuration = configuration
        self.logger = logger
        self.metrics = PublisherMetrics(metrics)
        mailbox = PublisherMailbox(maxMessages: configuration.maxBuffered, maxBytes: configuration.maxBufferedBytes)
    }

    /// Keeps a connection until the task is cancelled; then waits for confirms within the grace period, and closes.
    ///
    /// To be called once.
    package func run() async throws {
        let (mailbox, addresses, topology) = (mailbox, addresses, topology)
        let (configuration, logger, metrics) = (configuration, logger, metrics)
        let calls = BlockingCallMonitor()
        let watchdog = PublisherWatchdog(mailbox: mailbox, calls: calls, configuration: configuration)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await ConnectionThread.run(name: "amqp-deadlines") { watchdog.run() } }
            group.addTask {
                // However it ends, no caller is left waiting.
                defer {
                    mailbox.close()
                    watchdog.stop()
                }
                try await ConnectionThread.run(name: "amqp-publisher") {
                    PublisherLoop(
                        mailbox: mailbox, addresses: addresses, topology: topology, configuration: configuration,
                        calls: calls, logger: logger, metrics: metrics
                    ).run()
                }
            }
            try await withTaskCancellationHandler {
                // Neither works without the other.
                defer { mailbox.stop() }
                try await group.waitForAll()
            } onCancel: {
                mailbox.stop()
            }
        }
    }

    /// What the connection is doing.
    package var state: AMQPState { mailbox.connection }

    /// The broker accepts messages.
    package var isReady: Bool { state == .ready }

    /// Sends a message and returns when the broker has confirmed it: routed, and on disk if it is persistent.
    ///
    /// - Throws: see `AMQPError.Code`; only after `outcomeUnknown` may the message have arrived.
    package func publish(_ message: AMQPMessage) async throws(AMQPError) {
        try await publish([message])
    }

    /// Sends messages and returns when all of them are confirmed.
    ///
    /// - Throws: the first failure; the others may have arrived.
    package func publish(_ batch: [AMQPMessage]) async throws(AMQPError) {
        for case let error? in await outcomes(of: batch) { throw error }
    }

    /// Sends messages and returns when the outcome of each is known, or the deadline is over. One that cannot be sent
    /// does not hold up the others.
    ///
    /// - Returns: one entry a message, in order: nil when the broker has confirmed it.
    package func outcomes(of batch: [AMQPMessage]) async -> [AMQPError?] {
        var outcomes = batch.map { invalidity(of: $0) }
        let valid = batch.indices.filter { outcomes[$0] == nil }
        if !valid.isEmpty {
            for (index, outcome) in zip(valid, await send(valid.map { batch[$0] })) { outcomes[index] = outcome }
        }
        if outcomes.contains(where: { $0 != nil }) { metrics.failed.increment() }
        return outcomes
    }

    private func invalidity(of message: AMQPMessage) -> AMQPError? {
        do throws(AMQPError) {
            try message.validate(bodyLimit: configuration.maxBody)
            return nil
        } catch {
            return error
        }
    }

    private func send(_ batch: [AMQPMessage]) async -> [AMQPError?] {
        let deadline = MonotonicClock.milliseconds + Int64(configuration.deadline.milliseconds)
        return await withCheckedContinuation { continuation in
            let ticket = PublishTicket(count: batch.count, continuation: continuation)
            let entries = batch.enumerated().map {
                PublishEntry(message: $1, ticket: ticket, index: $0, deadline: deadline)
            }
            if let error = mailbox.offer(entries) { ticket.end(waiting: error, sent: error) }
        }
    }

    /// Sends a message that may be lost, without waiting: for messages that the next one makes obsolete.
    ///
    /// - Returns: false when it was dropped at once, since there is no connection, the broker blocks, or half of the
    ///   buffer is full.
    @discardableResult
    package func tryPublish(_ message: AMQPMessage) -> Bool {
        guard (try? message.validate(bodyLimit: configuration.maxBody)) != nil else { return drop() }
        let deadline = MonotonicClock.milliseconds + Int64(configuration.deadline.milliseconds)
        let entry = PublishEntry(message: message, ticket: nil, index: 0, deadline: deadline)
        return mailbox.offer([entry], onlyIfReady: true) == nil || drop()
    }

    private func drop() -> Bool {
        metrics.dropped.increment()
        return false
    }
}
