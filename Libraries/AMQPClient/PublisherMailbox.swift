import Synchronization

/// The hand-over from callers on any thread to the publisher's thread: bounded, one wake-up a burst.
final class PublisherMailbox: Sendable {
    private struct State {
        var incoming: [PublishEntry] = []
        /// Everything taken in and not settled, wherever it is.
        var heldMessages = 0
        var heldBytes = 0
        var connection = AMQPState.connecting
        var isStopping = false
    }

    let waker = Waker()
    private let state = Mutex(State())
    private let maxMessages: Int
    private let maxBytes: Int

    init(maxMessages: Int, maxBytes: Int) {
        self.maxMessages = maxMessages
        self.maxBytes = maxBytes
    }

    var connection: AMQPState {
        get { state.withLock { $0.connection } }
        set { state.withLock { $0.connection = newValue } }
    }

    var heldMessages: Int { state.withLock { $0.heldMessages } }

    var isStopping: Bool { state.withLock { $0.isStopping } }

    func stop() {
        state.withLock { $0.isStopping = true }
        waker.wake()
    }

    /// Takes all of the entries in, or none.
    ///
    /// - Parameter onlyIfReady: refuse when they could not be sent at once, and keep half of the buffer for others.
    func offer(_ entries: [PublishEntry], onlyIfReady: Bool = false) -> AMQPError? {
        let bytes = entries.reduce(0) { $0 + $1.cost }
        let (error, isFirst): (AMQPError?, Bool) = state.withLock { state in
            if state.isStopping { return (AMQPError(.stopped, "the publisher is stopped"), false) }
            if onlyIfReady, state.connection != .ready {
                return (AMQPError(.unavailable, state.connection.description), false)
            }
            let share = onlyIfReady ? 2 : 1
            guard state.heldMessages + entries.count <= maxMessages / share,
                state.heldBytes + bytes <= maxBytes / share
            else { return (AMQPError(.overloaded, "\(state.heldMessages) messages are waiting"), false) }
            let isFirst = state.incoming.isEmpty
            state.incoming += entries
            state.heldMessages += entries.count
            state.heldBytes += bytes
            return (nil, isFirst)
        }
        if isFirst { waker.wake() }
        return error
    }

    /// Everything that came in since the last call.
    func take() -> [PublishEntry] {
        state.withLock { state in
            defer { state.incoming = [] }
            return state.incoming
        }
    }

    /// These came to an end and make room.
    func release(messages: Int, bytes: Int) {
        state.withLock { state in
            state.heldMessages -= messages
            state.heldBytes -= bytes
        }
    }

    /// No more entries from now on; returns those that nobody took.
    func close() -> [PublishEntry] {
        state.withLock { state in
            state.isStopping = true
            state.connection = .stopped
            defer { state.incoming = [] }
            return state.incoming
        }
    }
}
