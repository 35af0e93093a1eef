import Concurrency
import Synchronization

/// The queue from callers on any thread to the publisher's thread: bounded, with one wake-up per burst.
final class PublisherMailbox: Sendable {
    private struct State {
        var incoming: [PublishEntry] = []
        /// Waiting callers in the order of their deadlines, with some finished ones among them.
        var tickets: [Waiting] = []
        var firstTicket = 0
        /// All messages accepted and not settled, sent or not.
        var bufferedMessages = 0
        var bufferedBytes = 0
        var connection = AMQPState.connecting
        /// When it was stopped, in monotonic milliseconds.
        var stoppedAt: Int64?
        var isClosed = false
    }

    private struct Waiting {
        let ticket: PublishTicket
        let deadline: Int64
    }

    let wakeup = EventFD()
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

    var bufferedMessages: Int { state.withLock { $0.bufferedMessages } }

    var stoppedAt: Int64? { state.withLock { $0.stoppedAt } }

    var isStopping: Bool { stoppedAt != nil }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    func stop() {
        state.withLock { $0.stoppedAt = $0.stoppedAt ?? MonotonicClock.milliseconds }
        wakeup.wake()
    }

    /// Takes all of the entries in, which have one ticket in common or none at all, or none of them.
    ///
    /// - Parameter onlyIfReady: refuse when they could not be sent at once, and reserve half of the buffer for others.
    func offer(_ entries: [PublishEntry], onlyIfReady: Bool = false) -> AMQPError? {
        let bytes = entries.reduce(0) { $0 + $1.cost }
        let (error, isFirst): (AMQPError?, Bool) = state.withLock { state in
            if state.stoppedAt != nil { return (AMQPError(.stopped, "the publisher is stopped"), false) }
            if onlyIfReady, state.connection != .ready {
                return (AMQPError(.unavailable, state.connection.description), false)
            }
            let share = onlyIfReady ? 2 : 1
            guard state.bufferedMessages + entries.count <= maxMessages / share,
                state.bufferedBytes + bytes <= maxBytes / share
            else { return (AMQPError(.overloaded, "\(state.bufferedMessages) messages are waiting"), false) }
            let isFirst = state.incoming.isEmpty
            state.incoming += entries
            state.bufferedMessages += entries.count
            state.bufferedBytes += bytes
            if let entry = entries.first, let ticket = entry.ticket {
                state.tickets.append(Waiting(ticket: ticket, deadline: entry.deadline))
            }
            return (nil, isFirst)
        }
        if isFirst { wakeup.wake() }
        return error
    }

    /// Everything that came in since the last call.
    func take() -> [PublishEntry] {
        state.withLock { state in
            defer { state.incoming = [] }
            return state.incoming
        }
    }

    /// Releases the capacity of settled messages.
    func release(messages: Int, bytes: Int) {
        state.withLock { state in
            state.bufferedMessages -= messages
            state.bufferedBytes -= bytes
        }
    }

    /// Ends the waits whose deadline has passed. Messages already sent stay in the confirm window.
    ///
    /// - Returns: the next deadline; nil without waiting callers.
    func expire(now: Int64) -> Int64? {
        let (late, next, connection) = state.withLock { state in
            var late: [PublishTicket] = []
            while state.firstTicket < state.tickets.count {
                let first = state.tickets[state.firstTicket]
                let isLate = first.deadline <= now
                guard isLate || first.ticket.isFinished else { break }
                if isLate { late.append(first.ticket) }
                state.firstTicket += 1
            }
            let next = state.firstTicket < state.tickets.count ? state.tickets[state.firstTicket].deadline : nil
            if state.firstTicket > 1024 || next == nil {
                state.tickets.removeFirst(state.firstTicket)
                state.firstTicket = 0
            }
            return (late, next, state.connection)
        }
        for ticket in late {
            ticket.end(
                waiting: AMQPError(.unavailable, "not sent within the deadline; the connection is \(connection)"),
                sent: AMQPError(.outcomeUnknown, "not confirmed within the deadline"))
        }
        return next
    }

    /// Refuses entries from now on, and ends all waits.
    ///
    /// - Returns: the entries that were not taken.
    @discardableResult
    func close() -> [PublishEntry] {
        let (left, tickets) = state.withLock { state in
            state.stoppedAt = state.stoppedAt ?? MonotonicClock.milliseconds
            state.isClosed = true
            state.connection = .stopped
            defer {
                state.incoming = []
                state.tickets = []
                state.firstTicket = 0
            }
            return (state.incoming, state.tickets.dropFirst(state.firstTicket))
        }
        for waiting in tickets {
            waiting.ticket.end(
                waiting: AMQPError(.stopped, "the publisher was stopped"),
                sent: AMQPError(.outcomeUnknown, "the publisher was stopped before the broker confirmed"))
        }
        return left
    }
}
