import Concurrency
import CRabbitMQ
import Observability

/// One connection of the consumer, with the deliveries that came over it.
final class ConsumerSession {
    static let channel: UInt16 = 1
    /// Consumer tags need only be unique on their channel.
    private static let tag = "c"

    private struct Delayed {
        let due: Int64
        let tag: UInt64
    }

    let connection: BrokerConnection
    private let dependencies: ConsumerLoop.Dependencies
    private let generation: Int
    private var assembler = DeliveryAssembler()
    private var window = AcknowledgementWindow()
    /// Messages delayed before they are requeued; few, since they are part of the prefetch.
    private var delayed: [Delayed] = []
    private var isCancelled = false

    init(connection: BrokerConnection, dependencies: ConsumerLoop.Dependencies, generation: Int) {
        self.connection = connection
        self.dependencies = dependencies
        self.generation = generation
    }

    /// All deliveries are settled.
    var isIdle: Bool { window.openCount == 0 }

    func consume() throws(AMQPError) {
        amqp_basic_qos(connection.state, Self.channel, 0, dependencies.configuration.prefetch, 0)
        try amqp_get_rpc_reply(connection.state).check("set the prefetch")
        FieldArena.with { arena in
            _ = amqp_basic_consume(
                connection.state, Self.channel, arena.text(dependencies.queue), arena.text(Self.tag), 0, 0,
                dependencies.configuration.isExclusive ? 1 : 0, arena.table([:]))
        }
        try amqp_get_rpc_reply(connection.state).check("consume queue \(dependencies.queue)")
    }

    /// Cancels the consumer; deliveries that the broker had sent already are handled as usual.
    func cancel() throws(AMQPError) {
        isCancelled = true
        FieldArena.with { arena in
            _ = amqp_basic_cancel(connection.state, Self.channel, arena.text(Self.tag))
        }
        try amqp_get_rpc_reply(connection.state).check("stop consuming")
    }

    /// Hands everything that has arrived to handlers.
    func receive() throws(AMQPError) {
        while let frame = try connection.nextFrame() {
            if frame.frame_type == UInt8(AMQP_FRAME_METHOD), try !isDelivery(frame) { continue }
            guard let delivery = assembler.take(frame) else { continue }
            connection.releaseMemory()
            window.opened(delivery.tag)
            start(delivery)
        }
        connection.releaseMemory()
        dependencies.metrics.open.set(window.openCount)
    }

    private func isDelivery(_ frame: amqp_frame_t) throws(AMQPError) -> Bool {
        let method = frame.payload.method
        switch Int(method.id) {
        case SWITCHYARD_BASIC_DELIVER: return true
        case SWITCHYARD_BASIC_CANCEL:
            throw AMQPError(.exception, "the broker cancelled the consumer: the queue was deleted or lost its leader")
        case SWITCHYARD_CHANNEL_CLOSE, SWITCHYARD_CONNECTION_CLOSE:
            throw connection.raise(method, channel: frame.channel)
        default: return false
        }
    }

    private func start(_ delivery: AMQPDelivery) {
        dependencies.metrics.delivered.increment()
        let (handler, mailbox, generation) = (dependencies.handler, dependencies.mailbox, generation)
        // Queues that do not count report at least whether it is a redelivery.
        let previous = delivery.deliveryCount ?? (delivery.isRedelivered ? 3 : 0)
        dependencies.spawn {
            let outcome = await handler(delivery)
            mailbox.finish(
                FinishedDelivery(
                    generation: generation, tag: delivery.tag, outcome: outcome, previousDeliveries: previous))
        }
    }

    /// Sends the outcomes of finished handlers to the broker, in as few frames as possible.
    func acknowledge() throws(AMQPError) {
        for finished in dependencies.mailbox.take() {
            guard finished.generation == generation else {
                dependencies.metrics.stale.increment()
                continue
            }
            settle(finished)
        }
        releaseDelayed()
        let commands = window.flush()
        guard !commands.isEmpty else { return }
        try connection.corked { () throws(AMQPError) in
            for command in commands { try send(command) }
        }
        dependencies.metrics.open.set(window.openCount)
    }

    private func settle(_ finished: FinishedDelivery) {
        switch finished.outcome {
        case .done:
            dependencies.metrics.acknowledged.increment()
            window.settle(finished.tag, .done)
        case .reject:
            dependencies.metrics.rejected.increment()
            window.settle(finished.tag, .reject)
        case .retry:
            dependencies.metrics.retried.increment()
            let configuration = dependencies.configuration
            let delay = Backoff(initial: configuration.retryDelay, maximum: configuration.maxRetryDelay, jitter: 0)
                .delay(attempt: finished.previousDeliveries, unit: 0)
            delayed.append(Delayed(due: MonotonicClock.milliseconds + Int64(delay.milliseconds), tag: finished.tag))
        }
    }

    private func releaseDelayed() {
        guard !delayed.isEmpty else { return }
        let now = MonotonicClock.milliseconds
        // A stop does not wait for delays.
        for entry in delayed where isCancelled || entry.due <= now { window.settle(entry.tag, .retry) }
        delayed.removeAll { isCancelled || $0.due <= now }
    }

    private func send(_ command: Acknowledgement) throws(AMQPError) {
        let status =
            switch command {
            case .ack(let tag, let multiple):
                amqp_basic_ack(connection.state, Self.channel, tag, multiple ? 1 : 0)
            case .nack(let tag, let requeue):
                amqp_basic_nack(connection.state, Self.channel, tag, 0, requeue ? 1 : 0)
            }
        guard status == AMQP_STATUS_OK.rawValue else { throw AMQPError(library: status, "acknowledge") }
    }

    /// Waits for frames, outcomes, the next delayed retry, or a second: heartbeats must be processed regularly.
    func wait() {
        guard !connection.hasBufferedData else { return }
        let now = MonotonicClock.milliseconds
        let due = delayed.map(\.due).min() ?? now + 1000
        _ = dependencies.mailbox.wakeup.wait(
            socket: connection.socket, for: [.readable], milliseconds: Int(min(1000, max(0, due - now))))
    }
}
