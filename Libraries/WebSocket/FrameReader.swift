import CWslay

/// Reads what a client sends and makes the control frames that respond to it, by wslay: masks, fragments, UTF-8, lengths,
/// closing.
///
/// wslay keeps 8 KiB a connection. Most viewers of a stream send a pong now and then and nothing else, so its context is
/// made when bytes come and freed where no frame, message or closing is under way.
///
/// Owns the context; wslay calls back only from within the calls made here, with `self` as user data.
final class FrameReader {
    private let maxMessageBytes: Int
    private let keepsMessages: Bool

    private var context: wslay_event_context_ptr?
    /// Valid during `receive` only.
    private var input = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    private var output: [UInt8] = []
    private var messages: [WebSocketMessage] = []
    /// Of frames that have begun and not ended: 0 for none.
    private var openFrames = 0
    private var isInsideMessage = false
    /// Of the message's frames so far. wslay counts only what it keeps.
    private var messageBytes: UInt64 = 0
    /// Bytes that wslay has been given, and those of the frames that it has seen whole.
    private var given: UInt64 = 0
    private var framed: UInt64 = 0
    private var hasFailed = false
    /// Why the connection is to be closed, where wslay closes it without a reason, with another one, or not yet.
    private var refusal: WebSocketCloseCode?

    /// - Parameters:
    ///   - maxMessageBytes: of one message of the client's; a longer one closes the connection with 1009.
    ///   - keepsMessages: false to drop the client's messages.
    init(maxMessageBytes: Int, keepsMessages: Bool) {
        self.maxMessageBytes = maxMessageBytes
        self.keepsMessages = keepsMessages
    }

    deinit {
        wslay_event_context_free(context)
    }

    /// Takes bytes of the client's.
    ///
    /// - Returns: what is to be sent to it, and then what it said.
    func receive(_ bytes: UnsafeBufferPointer<UInt8>) -> (response: [UInt8], messages: [WebSocketMessage]) {
        guard let context = opened() else { return ([], []) }
        defer { messages = [] }
        input = bytes
        given += UInt64(bytes.count)
        if wslay_event_recv(context) != 0 { refusal = refusal ?? .protocolError }
        input = UnsafeBufferPointer(start: nil, count: 0)
        let response = flushed(context)
        guard let refusal else { return (response, messages) }
        hasFailed = true
        return (WebSocketFrame.beforeClose(response) + WebSocketFrame.close(refusal), messages)
    }

    /// Begins to close.
    ///
    /// - Returns: what is to be sent to the client.
    func close(_ code: WebSocketCloseCode, _ reason: String) -> [UInt8] {
        guard let context = opened() else { return [] }
        var reason = reason
        _ = reason.withUTF8 { wslay_event_queue_close(context, code.rawValue, $0.baseAddress, $0.count) }
        return flushed(context)
    }

    /// Nothing more is read: the closing handshake is over, or the client broke the protocol and the closing frame says so.
    var hasEnded: Bool {
        guard let context else { return hasFailed }
        return hasFailed || wslay_event_get_read_enabled(context) == 0
    }

    /// For tests: a frame, a message or a closing is under way.
    var holdsContext: Bool { context != nil }

    private func opened() -> wslay_event_context_ptr? {
        if let context { return context }
        guard !hasFailed else { return nil }
        var callbacks = Self.callbacks
        var made: wslay_event_context_ptr?
        // Fails for want of memory alone.
        guard wslay_event_context_server_init(&made, &callbacks, Unmanaged.passUnretained(self).toOpaque()) == 0,
            let made
        else {
            hasFailed = true
            return nil
        }
        wslay_event_config_set_max_recv_msg_length(made, UInt64(maxMessageBytes))
        wslay_event_config_set_no_buffering(made, keepsMessages ? 0 : 1)
        context = made
        (given, framed, openFrames, isInsideMessage) = (0, 0, 0, false)
        return made
    }

    private func flushed(_ context: wslay_event_context_ptr) -> [UInt8] {
        if wslay_event_want_write(context) != 0, wslay_event_send(context) != 0 { hasFailed = true }
        defer { output = [] }
        let isBetweenMessages = given == framed && openFrames == 0 && !isInsideMessage
        let isClosing = wslay_event_get_close_sent(context) != 0 || wslay_event_get_close_received(context) != 0
        if isBetweenMessages, !isClosing, !hasEnded {
            wslay_event_context_free(context)
            self.context = nil
        }
        return output
    }

    // MARK: - Called by wslay

    private static let callbacks = wslay_event_callbacks(
        recv_callback: { context, buffer, count, _, data in FrameReader.at(data).take(context, buffer, count) },
        send_callback: { _, bytes, count, _, data in
            FrameReader.at(data).output.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
            return count
        },
        // Servers do not mask.
        genmask_callback: nil,
        on_frame_recv_start_callback: { _, frame, data in
            if let frame { FrameReader.at(data).began(frame.pointee) }
        },
        on_frame_recv_chunk_callback: nil,
        on_frame_recv_end_callback: { _, data in FrameReader.at(data).openFrames -= 1 },
        on_msg_recv_callback: { _, message, data in
            if let message { FrameReader.at(data).received(message.pointee) }
        })

    private static func at(_ data: UnsafeMutableRawPointer?) -> FrameReader {
        Unmanaged<FrameReader>.fromOpaque(data!).takeUnretainedValue()
    }

    private func take(_ context: wslay_event_context_ptr?, _ buffer: UnsafeMutablePointer<UInt8>?, _ count: Int) -> Int
    {
        let count = min(count, input.count)
        guard count > 0, let buffer, let source = input.baseAddress else {
            wslay_event_set_error(context, Int32(WSLAY_ERR_WOULDBLOCK.rawValue))
            return -1
        }
        buffer.update(from: source, count: count)
        input = UnsafeBufferPointer(rebasing: input[count...])
        return count
    }

    private func began(_ frame: wslay_event_on_frame_recv_start_arg) {
        openFrames += 1
        // Two bytes, what the length needs beyond them, and the mask that every frame of a client has.
        let header: UInt64 = frame.payload_length < 126 ? 6 : frame.payload_length < 65536 ? 8 : 14
        framed += header + frame.payload_length
        let isControl = frame.opcode & 0x8 != 0
        if !isControl {
            if !isInsideMessage { messageBytes = 0 }
            isInsideMessage = frame.fin == 0
            messageBytes = messageBytes.addingReportingOverflow(frame.payload_length).partialValue
            // Refused before its bytes have come, which may be many.
            if messageBytes > UInt64(maxMessageBytes) { refusal = .messageTooBig }
        }
        // A code has two bytes.
        if UInt32(frame.opcode) == WSLAY_CONNECTION_CLOSE.rawValue, frame.payload_length == 1 {
            refusal = .protocolError
        }
    }

    private func received(_ message: wslay_event_on_msg_recv_arg) {
        let opcode = UInt32(message.opcode)
        if opcode == WSLAY_CONNECTION_CLOSE.rawValue {
            // wslay misses what a read cut.
            let reason = UnsafeBufferPointer(start: message.msg, count: message.msg_length).dropFirst(2)
            if String(validating: reason, as: UTF8.self) == nil { refusal = .invalidPayload }
        }
        guard opcode == WSLAY_TEXT_FRAME.rawValue || opcode == WSLAY_BINARY_FRAME.rawValue else { return }
        let bytes = [UInt8](UnsafeBufferPointer(start: message.msg, count: message.msg_length))
        messages.append(WebSocketMessage(isText: opcode == WSLAY_TEXT_FRAME.rawValue, bytes: bytes))
    }
}
