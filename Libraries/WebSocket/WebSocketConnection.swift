import UVLoop

/// One client that speaks WebSocket (RFC 6455), from the end of its handshake on. Loop thread only.
package final class WebSocketConnection {
    package struct Configuration: Sendable {
        /// Bytes of one message from the client.
        package var maxMessageBytes = 64 << 10
        /// Bytes from the client in one `pingInterval`; nil for any number. A client that sends more is disconnected.
        package var maxReceivedBytes: Int? = 1 << 20
        /// A ping this often; a client from which nothing comes for two of them is gone.
        package var pingInterval: Duration = .seconds(20)
        /// How long the client may take to respond to a closing frame.
        package var closeTimeout: Duration = .seconds(5)
        /// Bytes waiting for the client beyond which `write` suspends, and reading stops.
        package var highWater = 64 << 10

        package init() {}
    }

    private enum Phase {
        case open
        /// The closing frame is sent; waits for the client's, or for the end of the connection.
        case closing
        case closed
    }

    package let loop: EventLoop
    /// Called once, when the connection has begun to end: nothing more is taken.
    package var onClose: (() -> Void)?
    /// Called when everything that was sent has gone to the system.
    package var onDrain: (() -> Void)?

    private let stream: TCPStream
    private let configuration: Configuration
    private let reader: FrameReader
    private let onMessage: ((WebSocketMessage) -> Void)?
    private var phase = Phase.open
    private var timer: LoopTimer?
    private var waiters: [UnsafeContinuation<Void, Never>] = []
    private var isReadingStopped = false
    /// Nothing more is sent.
    private var isFinished = false
    /// Since the last ping.
    private var receivedBytes = 0
    private var isPinged = false
    private var unsentAtPing = 0
    private var takenAtPing = 0

    /// - Parameter onMessage: gets the client's messages; nil where they do not matter. What it sends is checked all
    ///   the same.
    package init(
        _ stream: TCPStream, _ configuration: Configuration = Configuration(),
        onMessage: ((WebSocketMessage) -> Void)? = nil
    ) {
        self.stream = stream
        self.configuration = configuration
        loop = stream.loop
        reader = FrameReader(maxMessageBytes: configuration.maxMessageBytes, keepsMessages: onMessage != nil)
        self.onMessage = onMessage
    }

    package var isOpen: Bool { phase == .open }
    /// What waits for the client, whole writes until all of each has gone: zero from `onDrain` on.
    package var pendingBytes: Int { stream.pendingWriteBytes }
    /// What the client's system has taken so far. A system call.
    package var takenBytes: Int { stream.takenBytes }

    /// Takes over the stream, which keeps the connection alive until it is closed.
    ///
    /// - Parameter ahead: what the client sent behind its handshake.
    package func start(ahead: [UInt8]) {
        stream.onRead = { self.received($0) }
        stream.onEnd = { _ in self.end() }
        stream.onDrain = { self.drained() }
        timer = loop.makeTimer { [weak self] in self?.tick() }
        timer?.start(after: configuration.pingInterval, repeating: configuration.pingInterval)
        if !ahead.isEmpty { ahead.withUnsafeBufferPointer { received($0) } }
        if phase != .closed, !isReadingStopped { stream.startReading() }
    }

    // MARK: - Sending

    /// Sends whole frames, and waits while too much of what was sent before is still on its way.
    ///
    /// - Throws: `WebSocketClosed`.
    package func write(_ frames: [UInt8]) async throws(WebSocketClosed) {
        guard isOpen else { throw WebSocketClosed() }
        send(frames)
        if isOpen, stream.pendingWriteBytes > configuration.highWater {
            await withUnsafeContinuation { waiters.append($0) }
        }
        guard isOpen else { throw WebSocketClosed() }
    }

    /// Sends whole frames without waiting.
    package func send(_ frames: [UInt8]) {
        guard phase != .closed, !frames.isEmpty else { return }
        stream.write(frames)
    }

    /// Begins to close: what was sent before still arrives.
    ///
    /// - Parameter reason: for people, 123 bytes at most.
    package func close(_ code: WebSocketCloseCode, _ reason: String) {
        guard isOpen else { return }
        send(reader.close(code, reason))
        beginClosing()
    }

    /// Breaks the connection off.
    package func abort() {
        end()
    }

    // MARK: - On the loop

    private func received(_ bytes: UnsafeBufferPointer<UInt8>) {
        guard phase != .closed, !isFinished else { return }
        receivedBytes += bytes.count
        let (response, messages) = reader.receive(bytes)
        // A closing frame goes out behind what the messages cause; other control frames before it.
        if !reader.hasEnded { send(response) }
        for message in messages { onMessage?(message) }
        if reader.hasEnded { send(response) }
        if reader.hasEnded { return finish() }
        if isOpen, let limit = configuration.maxReceivedBytes, receivedBytes > limit {
            return close(.policyViolation, "too much received")
        }
        // Control frames are responded to at once: a client that does not read the responses is read no further.
        if stream.pendingWriteBytes > configuration.highWater, !isReadingStopped {
            isReadingStopped = true
            stream.stopReading()
        }
    }

    private func drained() {
        resumeWaiters()
        onDrain?()
        if isReadingStopped, phase != .closed {
            isReadingStopped = false
            stream.startReading()
        }
    }

    private func tick() {
        if phase == .closing { return end() }
        let hasTaken = unsentAtPing > 0 && stream.takenBytes > takenAtPing
        if isPinged, receivedBytes == 0, !hasTaken { return end() }
        receivedBytes = 0
        isPinged = true
        send(WebSocketFrame.ping)
        unsentAtPing = stream.unsentBytes
        takenAtPing = stream.takenBytes
    }

    /// The server closes first (RFC 6455, 7.1.1), for writing: the client is to get what is still on its way.
    private func finish() {
        beginClosing()
        guard phase == .closing, !isFinished else { return }
        isFinished = true
        stream.shutdownWrite()
    }

    private func beginClosing() {
        guard phase == .open else { return }
        phase = .closing
        timer?.start(after: configuration.closeTimeout)
        ended()
    }

    private func end() {
        guard phase != .closed else { return }
        let wasOpen = phase == .open
        phase = .closed
        timer?.close()
        timer = nil
        stream.close()
        if wasOpen { ended() }
    }

    private func ended() {
        resumeWaiters()
        let handler = onClose
        onClose = nil
        onDrain = nil
        handler?()
    }

    private func resumeWaiters() {
        let resumed = waiters
        waiters = []
        for waiter in resumed { waiter.resume() }
    }
}
