import Concurrency
import CRabbitMQ
import Foundation

/// One connection to a broker; owns librabbitmq's state. Confined to the thread that opened it.
final class BrokerConnection {
    let state: amqp_connection_state_t
    /// The socket, to be polled; read and written by librabbitmq only.
    let socket: Int32
    private let calls: BlockingCallMonitor?

    /// Connects and logs in; blocks for at most about three times the timeout.
    ///
    /// - Parameters:
    ///   - name: shown in the broker's list of connections.
    ///   - heartbeatSeconds: each side closes the connection after two of these without data.
    ///   - timeout: for the TCP connection, the handshake, and each call that waits for a reply.
    ///   - calls: records each call that may send, so that a watchdog can limit its duration.
    init(
        address: BrokerAddress, name: String, heartbeatSeconds: Int, timeout: Duration,
        calls: BlockingCallMonitor? = nil
    ) throws(AMQPError) {
        self.calls = calls
        guard let state = amqp_new_connection() else { throw AMQPError(.connection, "out of memory") }
        do {
            socket = try Self.connect(state, to: address, timeout: timeout)
            try Self.logIn(state, to: address, name: name, heartbeatSeconds: heartbeatSeconds)
        } catch {
            amqp_destroy_connection(state)
            throw error
        }
        self.state = state
    }

    /// Closes the socket, without `connection.close` unless ``close()`` has sent it.
    deinit { amqp_destroy_connection(state) }

    private static func connect(
        _ state: amqp_connection_state_t, to address: BrokerAddress, timeout: Duration
    ) throws(AMQPError) -> Int32 {
        // Both kinds are freed with the state.
        let kind = address.usesTLS ? amqp_ssl_socket_new(state) : amqp_tcp_socket_new(state)
        guard let kind else { throw AMQPError(.connection, "out of memory") }
        if address.usesTLS { try verifyPeer(kind) }
        let status = switchyard_amqp_open(
            state, kind, address.host, Int32(address.port), Int(timeout.milliseconds))
        guard status == AMQP_STATUS_OK.rawValue else { throw AMQPError(library: status, "connect") }
        return amqp_get_sockfd(state)
    }

    /// The broker's certificate is checked against the system's authorities and its host name.
    private static func verifyPeer(_ socket: OpaquePointer) throws(AMQPError) {
        amqp_ssl_socket_set_verify_peer(socket, 1)
        amqp_ssl_socket_set_verify_hostname(socket, 1)
        let authorities = ProcessInfo.processInfo.environment["SSL_CERT_FILE"] ?? "/etc/ssl/certs/ca-certificates.crt"
        let status = amqp_ssl_socket_set_cacert(socket, authorities)
        guard status == AMQP_STATUS_OK.rawValue else { throw AMQPError(library: status, "read \(authorities)") }
    }

    private static func logIn(
        _ state: amqp_connection_state_t, to address: BrokerAddress, name: String, heartbeatSeconds: Int
    ) throws(AMQPError) {
        let reply = FieldArena.with { arena in
            // Without these the broker reports neither that it blocks publishers nor that it cancelled a consumer.
            var properties = arena.table([
                "connection_name": .string(name), "product": "switchyard",
                "capabilities": .table([
                    "connection.blocked": true, "consumer_cancel_notify": true, "publisher_confirms": true,
                    "basic.nack": true, "authentication_failure_close": true,
                ]),
            ])
            return switchyard_amqp_login_plain(
                state, address.virtualHost, Int32(heartbeatSeconds), &properties, address.user, address.password)
        }
        try reply.check("log in")
    }

    func openChannel(_ channel: UInt16) throws(AMQPError) {
        amqp_channel_open(state, channel)
        try amqp_get_rpc_reply(state).check("open channel")
    }

    /// Sends `connection.close` and waits for `close-ok`, at most for the timeout.
    func close() {
        _ = watched { amqp_connection_close(state, AMQP_REPLY_SUCCESS) }
    }

    /// Runs a call that may send: the time it takes can be limited from elsewhere.
    func watched<Value>(_ call: () -> Value) -> Value {
        guard let calls else { return call() }
        return calls.during(socket, call)
    }

    /// The next frame that has arrived; does not wait, sends heartbeats when due.
    ///
    /// The frame's memory is valid until `releaseMemory()`.
    /// - Throws: when the connection is lost, or the broker was silent for two heartbeats.
    func nextFrame() throws(AMQPError) -> amqp_frame_t? {
        var frame = amqp_frame_t()
        let status = watched { switchyard_amqp_next_frame(state, &frame) }
        if status == AMQP_STATUS_TIMEOUT.rawValue { return nil }
        guard status == AMQP_STATUS_OK.rawValue else { throw AMQPError(library: status, "read") }
        return frame
    }

    /// Lets librabbitmq re-use the memory of frames that were processed.
    func releaseMemory() {
        amqp_maybe_release_buffers(state)
    }

    /// Whether frames wait in librabbitmq's own buffers, which `poll` does not see.
    var hasBufferedData: Bool { amqp_frames_enqueued(state) != 0 || amqp_data_in_buffer(state) != 0 }

    /// Converts the broker's exception to an error, after sending the `close-ok` that the protocol requires.
    func raise(_ method: amqp_method_t, channel: UInt16) -> AMQPError {
        let error = AMQPError(exception: method)
        if Int(method.id) == SWITCHYARD_CHANNEL_CLOSE {
            var closeOK = amqp_channel_close_ok_t()
            _ = watched {
                amqp_send_method(state, channel, amqp_method_number_t(SWITCHYARD_CHANNEL_CLOSE_OK), &closeOK)
            }
        } else {
            var closeOK = amqp_connection_close_ok_t()
            _ = watched {
                amqp_send_method(state, 0, amqp_method_number_t(SWITCHYARD_CONNECTION_CLOSE_OK), &closeOK)
            }
        }
        return error
    }

    /// Runs `body` with the kernel holding back segments that are not full.
    func corked<E: Error>(_ body: () throws(E) -> Void) throws(E) {
        switchyard_tcp_cork(socket, 1)
        defer { switchyard_tcp_cork(socket, 0) }
        try body()
    }
}

extension amqp_rpc_reply_t {
    /// - Throws: the exception or the library's error, with what was tried.
    func check(_ action: String) throws(AMQPError) {
        switch reply_type {
        case AMQP_RESPONSE_NORMAL: return
        case AMQP_RESPONSE_SERVER_EXCEPTION:
            let error = AMQPError(exception: reply)
            throw AMQPError(error.code, "\(action): \(error.detail)", replyCode: error.replyCode)
        case AMQP_RESPONSE_LIBRARY_EXCEPTION: throw AMQPError(library: library_error, action)
        default: throw AMQPError(.connection, "\(action): the broker closed the connection")
        }
    }
}

extension AMQPError {
    /// An error that librabbitmq reported by return value.
    init(library status: Int32, _ action: String) {
        self.init(.connection, "\(action): \(String(cString: amqp_error_string2(status)))")
    }

    /// A `channel.close` or `connection.close` of the broker.
    init(exception method: amqp_method_t) {
        guard let decoded = method.decoded else {
            self.init(.connection, "the broker closed the connection")
            return
        }
        switch Int(method.id) {
        case SWITCHYARD_CHANNEL_CLOSE:
            let close = decoded.assumingMemoryBound(to: amqp_channel_close_t.self).pointee
            self.init(.exception, String(close.reply_text), replyCode: Int(close.reply_code))
        case SWITCHYARD_CONNECTION_CLOSE:
            let close = decoded.assumingMemoryBound(to: amqp_connection_close_t.self).pointee
            self.init(.exception, String(close.reply_text), replyCode: Int(close.reply_code))
        default:
            self.init(.connection, "unexpected method \(String(method.id, radix: 16))")
        }
    }
}
