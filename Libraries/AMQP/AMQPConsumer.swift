import Observability

/// Consumes one queue, on a connection and a thread of its own; handlers run as tasks, at most `prefetch` at a time.
///
/// Delivery is at least once: a message that was not acknowledged when the connection is lost is redelivered, even if
/// its handler finishes afterwards.
package final class AMQPConsumer: Sendable {
    package typealias Handler = @Sendable (AMQPDelivery) async -> AMQPOutcome
    /// Starts a handler's task, on an executor of the caller's choice.
    package typealias Spawn = @Sendable (@escaping @Sendable () async -> Void) -> Void

    package struct Configuration: Sendable {
        /// Shown in the broker's list of connections.
        package var name = "switchyard consumer"
        /// How many deliveries may be unacknowledged at a time.
        package var prefetch: UInt16 = 100
        /// Consume the queue exclusively.
        package var isExclusive = false
        /// How long `retry` delays a message before it is requeued; doubled for every earlier delivery that a quorum
        /// queue has counted, so that a message that cannot be handled now does not spin.
        package var retryDelay: Duration = .milliseconds(100)
        package var maxRetryDelay: Duration = .seconds(30)
        package var heartbeatSeconds = 10
        package var connectTimeout: Duration = .seconds(5)
        package var firstRetry: Duration = .milliseconds(100)
        package var maxRetry: Duration = .seconds(5)
        /// How long a stop waits for handlers.
        package var stopGrace: Duration = .seconds(10)

        package init() {}
    }

    package let queue: String
    private let addresses: [BrokerAddress]
    private let topology: AMQPTopology
    private let configuration: Configuration
    private let logger: Logger
    private let metrics: ConsumerMetrics
    private let mailbox = ConsumerMailbox()
    private let spawn: Spawn
    private let handler: Handler

    /// - Parameters:
    ///   - urls: `amqp://` or `amqps://` URLs, comma separated; tried in turn.
    ///   - topology: declared on every connection; the queue should be part of it.
    ///   - queue: what to consume.
    ///   - spawn: starts a task for a handler; by default one of the global pool.
    ///   - handler: called for each delivery, several at a time.
    /// - Throws: `.invalid` for a bad URL.
    package init(
        urls: String, topology: AMQPTopology = AMQPTopology(), queue: String,
        configuration: Configuration = Configuration(), logger: Logger, metrics: MetricsRegistry,
        spawn: @escaping Spawn = { operation in Task { await operation() } }, handler: @escaping Handler
    ) throws(AMQPError) {
        addresses = try BrokerAddress.list(urls)
        self.topology = topology
        self.queue = queue
        self.configuration = configuration
        self.logger = logger.with([.queue: .string(queue)])
        self.metrics = ConsumerMetrics(metrics, queue: queue)
        self.spawn = spawn
        self.handler = handler
    }

    /// Consumes until the task is cancelled; then takes no more deliveries, waits for the handlers within the grace
    /// period, acknowledges, and closes.
    ///
    /// To be called once.
    package func run() async throws {
        let mailbox = mailbox
        let loop = ConsumerLoop.Dependencies(
            mailbox: mailbox, addresses: addresses, topology: topology, queue: queue, configuration: configuration,
            logger: logger, metrics: metrics, spawn: spawn, handler: handler)
        try await withTaskCancellationHandler {
            try await ConnectionThread.run(name: "amqp-consumer") { ConsumerLoop(loop).run() }
        } onCancel: {
            mailbox.stop()
        }
    }

    /// What the connection is doing.
    package var state: AMQPState { mailbox.connection }

    /// How often consuming began: an increase means that a connection was lost, and with it the messages of an
    /// exclusive queue.
    package var connections: Int { mailbox.connections }
}
