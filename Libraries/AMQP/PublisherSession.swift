import Concurrency
import CRabbitMQ
import Observability

/// One connection of the publisher, with what it has sent and not seen confirmed.
final class PublisherSession {
    /// Publisher confirms are a property of the channel: messages without a waiting caller use one without them.
    static let confirmed: UInt16 = 1
    static let unconfirmed: UInt16 = 2
    /// Bytes between two checks whether the socket is writable. `POLLOUT` promises a third of the send buffer, which
    /// is larger; so librabbitmq, which would wait in `send` for as long as a broker blocks, hardly ever has to.
    private static let bytesBetweenChecks = 32 << 10

    /// The header that identifies a returned message, which no queue takes: the broker's `basic.return` has no sequence
    /// number.
    private static let numberHeader = "x-publish-number"

    private struct Sent {
        let number: Int64
        let ticket: PublishTicket
        let index: Int
        let cost: Int
        let sentAt: Int64
    }

    let connection: BrokerConnection
    private let configuration: AMQPPublisher.Configuration
    private let mailbox: PublisherMailbox
    private let metrics: PublisherMetrics
    private let arena = FieldArena()
    private var window = ConfirmWindow<Sent>()
    /// As the window counts.
    private var lastNumber: Int64 = 0
    /// Messages that came back; the broker confirms them as well, afterwards.
    private var returned: Set<Int64> = []
    private var isBlocked = false
    private var isWritable = true

    init(
        connection: BrokerConnection, configuration: AMQPPublisher.Configuration, mailbox: PublisherMailbox,
        metrics: PublisherMetrics
    ) {
        self.connection = connection
        self.configuration = configuration
        self.mailbox = mailbox
        self.metrics = metrics
    }

    /// Everything sent is confirmed or failed.
    var isSettled: Bool { window.isEmpty }

    private var maySend: Bool { !isBlocked && window.count < configuration.maxInFlight }

    /// Sends as much as the window and the socket take.
    func send(from backlog: inout FIFO<PublishEntry>) throws(AMQPError) {
        guard !backlog.isEmpty, maySend else { return }
        var allowance = 0
        try connection.corked { () throws(AMQPError) in
            while maySend, let entry = backlog.first {
                if allowance <= 0 {
                    // The socket alone: a wake-up that came since the backlog was filled is for `wait`.
                    isWritable = EventFD.isWritable(connection.socket)
                    guard isWritable else { return }
                    allowance = Self.bytesBetweenChecks
                }
                backlog.popFirst()
                allowance -= entry.cost
                try send(entry)
            }
        }
        metrics.inFlight.set(window.count)
    }

    private func send(_ entry: PublishEntry) throws(AMQPError) {
        var message = entry.message
        // In the window before it is sent: if sending fails half-way, its outcome is unknown too.
        if let ticket = entry.ticket {
            guard ticket.begin(entry.index) else { return mailbox.release(messages: 1, bytes: entry.cost) }
            lastNumber += 1
            window.append(
                Sent(
                    number: lastNumber, ticket: ticket, index: entry.index, cost: entry.cost,
                    sentAt: MonotonicClock.milliseconds))
            if message.mandatory { message.headers[Self.numberHeader] = .int(lastNumber) }
        } else {
            mailbox.release(messages: 1, bytes: entry.cost)
        }
        arena.recycle()
        var properties = message.properties(in: arena)
        let exchange = arena.text(message.exchange)
        let routingKey = arena.text(message.routingKey)
        let status = message.body.withUnsafeBytes { body in
            // librabbitmq only reads the body, though its type is mutable.
            let bytes = amqp_bytes_t(len: body.count, bytes: UnsafeMutableRawPointer(mutating: body.baseAddress))
            return connection.watched {
                amqp_basic_publish(
                    connection.state, entry.ticket == nil ? Self.unconfirmed : Self.confirmed, exchange, routingKey,
                    message.mandatory && entry.ticket != nil ? 1 : 0, 0, &properties, bytes)
            }
        }
        guard status == AMQP_STATUS_OK.rawValue else { throw AMQPError(library: status, "publish") }
        metrics.published.increment()
    }

    /// Processes everything that has arrived.
    func receive() throws(AMQPError) {
        while let frame = try connection.nextFrame() {
            if frame.frame_type == UInt8(AMQP_FRAME_METHOD) {
                try handle(frame.payload.method, channel: frame.channel)
            } else if frame.frame_type == UInt8(AMQP_FRAME_HEADER) {
                noteReturned(frame)
            }
        }
        connection.releaseMemory()
    }

    private func handle(_ method: amqp_method_t, channel: UInt16) throws(AMQPError) {
        switch Int(method.id) {
        case SWITCHYARD_BASIC_ACK:
            guard let ack = method.decoded?.assumingMemoryBound(to: amqp_basic_ack_t.self).pointee else { return }
            settle(ack.delivery_tag, multiple: ack.multiple != 0, nil)
        case SWITCHYARD_BASIC_NACK:
            guard let nack = method.decoded?.assumingMemoryBound(to: amqp_basic_nack_t.self).pointee else { return }
            settle(nack.delivery_tag, multiple: nack.multiple != 0, AMQPError(.refused, "the broker refused it"))
        case SWITCHYARD_CONNECTION_BLOCKED:
            let blocked = method.decoded?.assumingMemoryBound(to: amqp_connection_blocked_t.self).pointee
            isBlocked = true
            mailbox.connection = .blocked(blocked.map { String($0.reason) } ?? "")
            metrics.blocked.set(1)
        case SWITCHYARD_CONNECTION_UNBLOCKED:
            isBlocked = false
            mailbox.connection = .ready
            metrics.blocked.set(0)
        case SWITCHYARD_CHANNEL_CLOSE, SWITCHYARD_CONNECTION_CLOSE:
            throw connection.raise(method, channel: channel)
        default: return
        }
    }

    /// The only messages that a publisher receives are returned ones.
    private func noteReturned(_ frame: amqp_frame_t) {
        guard let decoded = frame.payload.properties.decoded else { return }
        var message = AMQPMessage(exchange: "", routingKey: "", body: [])
        message.take(decoded.assumingMemoryBound(to: amqp_basic_properties_t.self).pointee)
        if let number = message.headers[Self.numberHeader]?.integer { returned.insert(number) }
    }

    private func settle(_ number: UInt64, multiple: Bool, _ error: AMQPError?) {
        var (messages, bytes) = (0, 0)
        window.settle(number, multiple: multiple) { sent in
            messages += 1
            bytes += sent.cost
            let isReturned = !returned.isEmpty && returned.remove(sent.number) != nil
            sent.ticket.settle(sent.index, isReturned ? AMQPError(.unroutable, "no queue takes it") : error)
        }
        mailbox.release(messages: messages, bytes: bytes)
        if error == nil { metrics.confirmed.increment(by: messages) } else { metrics.refused.increment(by: messages) }
        metrics.inFlight.set(window.count)
    }

    /// - Throws: when the broker has confirmed nothing for too long, though it is not blocking.
    func checkConfirmTimeout() throws(AMQPError) {
        guard !isBlocked, let oldest = window.oldest,
            MonotonicClock.milliseconds - oldest.sentAt > Int64(configuration.confirmTimeout.milliseconds)
        else { return }
        throw AMQPError(.connection, "the broker does not confirm")
    }

    /// Waits until there is something to do, at most 100 ms, or 1 s when idle: heartbeats and deadlines must be
    /// processed regularly.
    func wait(hasBacklog: Bool) {
        guard !connection.hasBufferedData else { return }
        var interest: SocketReadiness = .readable
        if hasBacklog, maySend { interest.insert(.writable) }
        let isIdle = !hasBacklog && window.isEmpty
        _ = mailbox.wakeup.wait(socket: connection.socket, for: interest, milliseconds: isIdle ? 1000 : 100)
    }

    /// The connection is lost: what was not confirmed may or may not have arrived.
    func abandon(_ cause: AMQPError) {
        let error = AMQPError(.outcomeUnknown, "the connection was lost: \(cause.description)")
        var (messages, bytes) = (0, 0)
        window.settle(0, multiple: true) { sent in
            messages += 1
            bytes += sent.cost
            sent.ticket.settle(sent.index, error)
        }
        mailbox.release(messages: messages, bytes: bytes)
        metrics.inFlight.set(0)
        metrics.blocked.set(0)
    }
}
