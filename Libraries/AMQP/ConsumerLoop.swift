import Concurrency
import CRabbitMQ
import Observability

/// Runs on the consumer's thread: connects, hands deliveries to tasks, acknowledges, and reconnects.
final class ConsumerLoop {
    struct Dependencies: Sendable {
        let mailbox: ConsumerMailbox
        let addresses: [BrokerAddress]
        let topology: AMQPTopology
        let queue: String
        let configuration: AMQPConsumer.Configuration
        let logger: Logger
        let metrics: ConsumerMetrics
        let spawn: AMQPConsumer.Spawn
        let handler: AMQPConsumer.Handler
    }

    private let dependencies: Dependencies
    private var generation = 0

    init(_ dependencies: Dependencies) { self.dependencies = dependencies }

    private var mailbox: ConsumerMailbox { dependencies.mailbox }

    func run() {
        var backoff = Backoff(
            initial: dependencies.configuration.firstRetry, maximum: dependencies.configuration.maxRetry, jitter: 0.5)
        var addressIndex = Int.random(in: 0..<dependencies.addresses.count)
        while !mailbox.isStopping {
            let address = dependencies.addresses[addressIndex % dependencies.addresses.count]
            do {
                let session = try connect(address)
                mailbox.connection = .ready
                dependencies.logger.info("consuming", [.host: .string(address.host), .port: .int(address.port)])
                try serve(session) { backoff.reset() }
            } catch {
                addressIndex += 1
                mailbox.connection = .failed(error.description)
                dependencies.metrics.open.set(0)
                if backoff.shouldLog {
                    dependencies.logger.warning(
                        "not consuming",
                        [.host: .string(address.host), .port: .int(address.port), .error: .string(error.description)])
                }
                pause(backoff.next())
            }
        }
        mailbox.connection = .stopped
    }

    private func connect(_ address: BrokerAddress) throws(AMQPError) -> ConsumerSession {
        let connection = try BrokerConnection(
            address: address, name: dependencies.configuration.name,
            heartbeatSeconds: dependencies.configuration.heartbeatSeconds,
            timeout: dependencies.configuration.connectTimeout)
        try connection.openChannel(ConsumerSession.channel)
        try connection.declare(dependencies.topology, channel: ConsumerSession.channel)
        generation += 1
        let session = ConsumerSession(connection: connection, dependencies: dependencies, generation: generation)
        try session.consume()
        dependencies.metrics.connects.increment()
        return session
    }

    /// Returns when the consumer was stopped and its handlers have finished, or after the grace period.
    ///
    /// - Parameter onStable: called once the connection has lasted for a second.
    private func serve(_ session: ConsumerSession, onStable: () -> Void) throws(AMQPError) {
        var stopDeadline: Int64?
        // A queue that goes as soon as it is declared must not be declared without pause.
        let provenAt = MonotonicClock.milliseconds + 1000
        var isProven = false
        while true {
            try session.receive()
            try session.acknowledge()
            if !isProven, MonotonicClock.milliseconds >= provenAt {
                isProven = true
                onStable()
            }
            if mailbox.isStopping {
                if stopDeadline == nil {
                    let grace = Int64(dependencies.configuration.stopGrace.milliseconds)
                    stopDeadline = MonotonicClock.milliseconds + grace
                    try session.cancel()
                    continue
                }
                if session.isIdle || MonotonicClock.milliseconds >= stopDeadline ?? 0 { break }
            }
            session.wait()
        }
        session.connection.close()
    }

    private func pause(_ delay: Duration) {
        let end = MonotonicClock.milliseconds + Int64(delay.milliseconds)
        while !mailbox.isStopping {
            dependencies.metrics.stale.increment(by: mailbox.take().count)
            let left = end - MonotonicClock.milliseconds
            guard left > 0 else { return }
            _ = mailbox.wakeup.wait(socket: nil, for: [], milliseconds: Int(left))
        }
    }
}
